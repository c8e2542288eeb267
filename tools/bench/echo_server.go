// The echo server as one writes it in Go: a goroutine for each connection. Tells
// its port through descriptor 3, as four bytes.
package main

import (
	"encoding/binary"
	"net"
	"os"
)

func echo(peer net.Conn) {
	defer peer.Close()
	buffer := make([]byte, 4096)
	for {
		count, err := peer.Read(buffer)
		if err != nil {
			return
		}
		if _, err := peer.Write(buffer[:count]); err != nil {
			return
		}
	}
}

func tell(port int) {
	var told [4]byte
	binary.LittleEndian.PutUint32(told[:], uint32(port))
	os.NewFile(3, "port").Write(told[:])
}

func echoDatagrams() {
	door, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		panic(err)
	}
	tell(door.LocalAddr().(*net.UDPAddr).Port)
	buffer := make([]byte, 4096)
	for {
		count, from, err := door.ReadFromUDPAddrPort(buffer)
		if err != nil {
			panic(err)
		}
		door.WriteToUDPAddrPort(buffer[:count], from)
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "udp" {
		echoDatagrams()
	}
	door, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	tell(door.Addr().(*net.TCPAddr).Port)
	for {
		peer, err := door.Accept()
		if err != nil {
			panic(err)
		}
		go echo(peer)
	}
}
