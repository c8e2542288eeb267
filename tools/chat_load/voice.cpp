#include "voice.hpp"

#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/ws/socket.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace chat_load {
namespace {

namespace ws = greenroom::ws;
using nlohmann::json;

class line_voice : public voice {
public:
  explicit line_voice(const greenroom::tcp_address& server)
      : server_(greenroom::tcp_socket::connect(server, patience)) {}

  void expect(std::string_view beginning) {
    for (std::string line = next_line(); !line.starts_with(beginning);
         line = next_line())
      if (line.starts_with('!')) throw std::runtime_error("refused: " + line);
  }

  void say(const std::string& text) override { server_.write(text + '\n'); }

  std::string next_line() override {
    auto line = lines_.read_line(patience);
    if (!line) throw std::runtime_error("the server closed the connection");
    return std::move(*line);
  }

  bool take_leave(bool first) override {
    if (first) say("/quit");
    bool goodbye = false;
    while (const auto line = lines_.read_line(patience))
      goodbye = goodbye || line->find("Goodbye") != line->npos;
    return goodbye;
  }

private:
  greenroom::tcp_socket server_;
  greenroom::buffered_reader lines_{server_};
};

class page_voice : public voice {
public:
  explicit page_voice(const std::string& url)
      : server_(ws::socket::connect(url, patience)) {}

  /// Who is told who is there hears all that follows.
  void wait_until_in() {
    while (next_event().at("type") != "people") {
    }
  }

  void say(const std::string& text) override {
    server_.send(json{{"say", text}}.dump(), patience);
  }

  std::string next_line() override {
    const json event = next_event();
    const std::string type = event.at("type");
    if (type == "refused") throw std::runtime_error("refused: " + event.dump());
    if (type != "message") return "* " + type;
    return event.at("from").get<std::string>() + ": " +
           event.at("text").get<std::string>();
  }

  bool take_leave(bool first) override {
    if (first) {
      server_.close();
      return true;
    }
    while (server_.receive(patience)) {
    }
    return server_.peer_close_code() == ws::close_code::going_away;
  }

private:
  json next_event() {
    while (next_ == events_.size()) {
      const auto came = server_.receive(patience);
      if (!came) throw std::runtime_error("the server closed the connection");
      events_ = json::parse(came->data);
      next_ = 0;
    }
    return std::move(events_[next_++]);
  }

  ws::socket server_;
  json events_ = json::array(); // that came together
  std::size_t next_ = 0;
};

} // namespace

std::unique_ptr<voice> connect_lines(const greenroom::tcp_address& server,
                                     const std::string& name,
                                     const std::string& room) {
  auto made = std::make_unique<line_voice>(server);
  made->expect("* Welcome");
  made->say(name);
  made->expect("* Hello");
  made->say("/join " + room);
  made->expect("* you are in");
  return made;
}

std::unique_ptr<voice> connect_page(const greenroom::tcp_address& server,
                                    const std::string& name,
                                    const std::string& room) {
  auto made = std::make_unique<page_voice>("ws://" + server.text() + "/ws/" +
                                           room + '/' + name);
  made->wait_until_in();
  return made;
}

} // namespace chat_load
