#include "zmq_patterns/majordomo_support.hpp"

#include <greenroom/zmq_patterns/titanic.hpp>
#include <greenroom/zmq_patterns/titanic_client.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

using namespace greenroom;
using namespace test;

namespace {

namespace fs = std::filesystem;

struct temporary_folder {
  temporary_folder() {
    std::string name = fs::temp_directory_path() / "titanic-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() { fs::remove_all(path); }
  std::string path;
};

struct keeper {
  keeper(const zmq::context& in, const majordomo& of, const std::string& folder,
         zmq::titanic_options how = {})
      : at(in, with(std::move(how), of, folder)) {}

  static zmq::titanic_options with(zmq::titanic_options how,
                                   const majordomo& of,
                                   const std::string& folder) {
    how.clients = of.at.clients_endpoint();
    how.workers = of.at.workers_endpoint();
    how.folder = folder;
    how.pause = 10ms;
    return how;
  }

  zmq::titanic at;
  beside running{[this] { at.run(); }};
};

zmq::titanic_client titanic_client_of(const zmq::context& in,
                                      const majordomo& of) {
  return zmq::titanic_client{in, {.endpoints = {of.at.clients_endpoint()}}};
}

std::optional<zmq::message> reply_of(zmq::titanic_client& client,
                                     const std::string& id) {
  std::optional<zmq::message> reply;
  comes_true([&] { return (reply = client.reply(id)).has_value(); });
  return reply;
}

} // namespace

TEST_SUITE_BEGIN("zmq_patterns");

TEST_CASE("a titanic keeps a request until its service comes") {
  in_real_hub([] {
    const zmq::context own;
    const temporary_folder folder;
    majordomo between{own};
    keeper titanic{own, between, folder.path};
    auto client = titanic_client_of(own, between);
    const std::string id = client.request("echo", {"x", "", "y"});
    CHECK(!client.reply(id));
    const majordomo_service echoes{own, between, "echo", echo};
    CHECK(reply_of(client, id) == zmq::message{"x", "", "y"});
    CHECK(client.reply(id)); // until it is closed
    client.close(id);
    client.close(id);
    CHECK(mentions(error_of([&] { client.reply(id); }), "titanic.reply"));
    CHECK(titanic.at.stored() == 0);
    CHECK(fs::is_empty(folder.path));
    CHECK(titanic.at.counts().answered == 1);
  });
}

TEST_CASE("what a titanic has accepted, the next one in its folder knows") {
  in_real_hub([] {
    const zmq::context own;
    const temporary_folder folder;
    majordomo between{own};
    std::string open;
    std::string answered;
    auto client = titanic_client_of(own, between);
    {
      const keeper first{own, between, folder.path};
      const majordomo_service echoes{own, between, "echo", echo};
      answered = client.request("echo", {"old"});
      open = client.request("later", {"new"});
      CHECK(reply_of(client, answered));
    }
    std::ofstream(folder.path + "/x.request.unfinished") << "half";
    std::ofstream(folder.path + "/somebody's") << "else";
    keeper second{own, between, folder.path};
    const majordomo_service late{own, between, "later", echo};
    CHECK(reply_of(client, answered) == zmq::message{"old"});
    CHECK(reply_of(client, open) == zmq::message{"new"});
    CHECK(second.at.stored() == 2);
    CHECK(!fs::exists(folder.path + "/x.request.unfinished"));
    CHECK(fs::exists(folder.path + "/somebody's"));
  });
}

TEST_CASE("a titanic stores no more than it may") {
  in_real_hub([] {
    const zmq::context own;
    const temporary_folder folder;
    majordomo between{own};
    keeper titanic{
        own, between, folder.path, {.most_stored = 1, .most_bytes = 100}};
    auto client = titanic_client_of(own, between);
    CHECK(mentions(
        error_of([&] { client.request("echo", {std::string(200, 'x')}); }),
        "titanic.request"));
    const std::string id = client.request("echo", {"x"});
    CHECK(!error_of([&] { client.request("echo", {"x"}); }).empty());
    client.close(id);
    CHECK(error_of([&] { client.request("echo", {"x"}); }).empty());
    CHECK(titanic.at.counts().refused == 2);
  });
}

TEST_CASE("bad ids and bad files do a titanic no harm") {
  in_real_hub([] {
    const zmq::context own;
    const temporary_folder folder;
    majordomo between{own};
    const std::string broken(32, 'a');
    std::ofstream(folder.path + "/" + broken + ".request") << "GRT1 nonsense";
    std::ofstream(folder.path + "/" + std::string(32, 'b') + ".reply") << "no";
    keeper titanic{own, between, folder.path};
    const majordomo_service echoes{own, between, "echo", echo};
    auto client = client_of(own, between);
    for (const char* service : {"titanic.reply", "titanic.close"})
      CHECK(client.request(service, {"../../etc/passwd"}) ==
            zmq::message{"400"});
    CHECK(client.request("titanic.request", {}) == zmq::message{"400"});
    CHECK(client.request("titanic.reply", {broken}) == zmq::message{"300"});
    CHECK(client.request("titanic.reply", {std::string(32, 'b')}) ==
          zmq::message{"500"});
    auto good = titanic_client_of(own, between);
    CHECK(reply_of(good, good.request("echo", {"x"})) == zmq::message{"x"});
    CHECK(titanic.at.counts().failed >= 1);
  });
}

TEST_CASE("a titanic without a folder says so") {
  in_real_hub([] {
    const captured_log quiet;
    const zmq::context own;
    zmq::titanic titanic{own, {.folder = "/dev/null/x"}};
    CHECK(mentions(error_of([&] { titanic.run(); }), "/dev/null"));
  });
}

TEST_SUITE_END();
