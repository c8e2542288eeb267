// What a stranger may send, byte by byte, and what he is told; RFC 6455.

#include "ws/support.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace test {
namespace {

/// The answer to a request to become a WebSocket.
std::string answer_to_request(const std::string& text, ws::options how = {}) {
  served server{echo, std::move(how)};
  const auto peer = server.stream();
  peer->write(text);
  peer->shutdown_write();
  std::string all;
  std::array<char, 4096> piece;
  while (const std::size_t bytes = peer->read_some(piece))
    all.append(piece.data(), bytes);
  return all;
}

std::string replaced(std::string text, const std::string& what,
                     const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

bool begins(const std::string& text, const std::string& with) {
  return text.compare(0, with.size(), with) == 0;
}

TEST_SUITE("ws") {
  TEST_CASE("the handshake is the RFC's") {
    in_hub([] {
      const std::string answer = answer_to_request(handshake);
      CHECK(begins(answer, "HTTP/1.1 101 Switching Protocols\r\n"));
      CHECK(answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") !=
            std::string::npos);
    });
  }

  TEST_CASE("what is no handshake is refused") {
    in_hub([] {
      const auto status = [](const std::string& text) {
        const std::string answer = answer_to_request(text);
        return answer.substr(9, 3);
      };
      CHECK(status("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == "426");
      CHECK(status(replaced(handshake, "Version: 13", "Version: 12")) == "426");
      CHECK(answer_to_request(replaced(handshake, "Version: 13", "Version: 12"))
                .find("Sec-WebSocket-Version: 13\r\n") != std::string::npos);
      CHECK(status(replaced(handshake, "GET", "POST")) == "426");
      CHECK(status(replaced(handshake, "HTTP/1.1", "HTTP/1.0")) == "426");
      CHECK(status(replaced(handshake, "dGhlIHNhbXBsZSBub25jZQ==", "short")) ==
            "400");
      CHECK(status(replaced(handshake, "Key: dGhlIHNhbXBsZSBub25jZQ==",
                            "Kay: x")) == "400");
    });
  }

  TEST_CASE("pages of other hosts are refused unless they may connect") {
    in_hub([] {
      const auto from = [](const std::string& origin, ws::options how = {}) {
        return answer_to_request(
                   replaced(handshake, "Host: a\r\n",
                            "Host: a\r\nOrigin: " + origin + "\r\n"),
                   std::move(how))
            .substr(9, 3);
      };
      CHECK(from("http://a") == "101");
      CHECK(from("https://A") == "101");
      CHECK(from("http://b") == "403");
      CHECK(from("http://a:81") == "403");
      CHECK(from("null") == "403");
      ws::options other;
      other.origins = {"http://b"};
      CHECK(from("http://b", other) == "101");
      CHECK(from("http://c", other) == "403");
      other.origins = {"*"};
      CHECK(from("http://c", other) == "101");
    });
  }

  TEST_CASE("fragments make one message, with control frames between them") {
    in_hub([] {
      CHECK(answer_to_frames(frame(0x01, "ab") + frame(0x89, "ping") +
                             frame(0x00, "") + frame(0x80, "cd") +
                             frame(0x88, "")) ==
            "\x8a\x04ping" + std::string("\x81\x04") + "abcd" + goodbye(1000));
    });
  }

  TEST_CASE("a frame that may not be closes with 1002") {
    in_hub([] {
      const std::string unmasked{"\x81\x01"
                                 "a"};
      const std::vector<std::string> wrong{
          unmasked,
          frame(0xc1, "a"), // reserved bits
          frame(0xa1, "a"),
          frame(0x91, "a"),
          frame(0x83, "a"), // unknown operations
          frame(0x8b, ""),
          frame(0x80, "a"),                    // goes on with nothing
          frame(0x01, "a") + frame(0x81, "b"), // begins within a message
          frame(0x09, "a"),                    // fragments of a control frame
          frame(0x89, std::string(126, 'a')),
          frame(0x88, "\x03"), // half a code
          frame(0x88, std::string("\x00\x00", 2)),
          frame(0x88, "\x03\xed"), // 1005, which is never sent
          frame(0x88, "\x03\xee"),
          frame(0x88, "\x03\xe8\xff"), // a reason that is no UTF-8
      };
      for (const std::string& each : wrong) {
        CAPTURE(each);
        const std::string answer = answer_to_frames(each);
        CHECK((answer == goodbye(1002) || answer == goodbye(1007)));
      }
    });
  }

  TEST_CASE("a text that is no UTF-8 closes with 1007") {
    in_hub([] {
      for (const char* text :
           {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xc3"}) {
        CHECK(answer_to_frames(frame(0x81, text)) == goodbye(1007));
      }
      CHECK(answer_to_frames(frame(0x01, "\xc3") + frame(0x80, "\xa9") +
                             frame(0x88, "")) ==
            std::string("\x81\x02\xc3\xa9") + goodbye(1000));
      CHECK(answer_to_frames(frame(0x82, "\xff") + frame(0x88, "")) ==
            std::string("\x82\x01\xff") + goodbye(1000));
    });
  }

  // Beast made room for it at once.
  TEST_CASE("what a compressed frame announces takes no memory") {
    in_hub([] {
      captured_log log;
      ws::options compress;
      compress.compress = true;
      served server{echo, compress};
      const auto peer = server.stream();
      const std::string huge{"\xc1\xff\x61\x01\xec\x00\x81\x00\x00\x71", 10};
      peer->write(replaced(handshake, "Host: a\r\n",
                           "Host: a\r\nSec-WebSocket-Extensions: "
                           "permessage-deflate\r\n") +
                  huge + std::string(4, '\0') + "abc");
      peer->shutdown_write();
      std::array<char, 4096> piece;
      while (peer->read_some(piece) > 0) {
      }
      server.join();
      CHECK_FALSE(log.has("bad_alloc"));
      CHECK_FALSE(log.has("length_error"));
    });
  }

  TEST_CASE("a message that is too big closes with 1009") {
    in_hub([] {
      ws::options small;
      small.most_bytes = 10;
      CHECK(answer_to_frames(frame(0x81, std::string(11, 'a')), small) ==
            goodbye(1009));
      CHECK(answer_to_frames(frame(0x01, std::string(6, 'a')) +
                                 frame(0x80, "aaaaa"),
                             small) == goodbye(1009));
      const std::string huge{"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10};
      CHECK(answer_to_frames(huge + std::string(4, '\0')) == goodbye(1009));
    });
  }
}

} // namespace
} // namespace test
