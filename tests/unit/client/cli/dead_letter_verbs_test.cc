#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/cli/cli_fixture.h"

namespace weir::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class DeadLetterVerbsTest : public CliTest {
 protected:
  DeadLetterVerbsTest() {
    client_.dead_letters.set_operator_uid("parse");
    proto::DeadLetterTopic* topic = client_.dead_letters.add_topics();
    topic->set_operator_uid("parse");
    topic->set_topic("dead");
    topic->set_partition(1);
    topic->set_begin(4);
    topic->set_end(90);
    proto::DeadLetterRecord* letter = client_.dead_letters.add_letters();
    letter->set_partition(1);
    letter->set_offset(17);
    letter->set_timestamp_ms(978307260500);
    letter->set_value("no\nJSON");
    auto& headers = *letter->mutable_headers();
    headers["weir.errors.topic"] = "in";
    headers["weir.errors.partition"] = "3";
    headers["weir.errors.offset"] = "8";
    headers["weir.errors.message"] = "no object";
    client_.dead_letters.set_replayed(12);
  }
};

TEST_F(DeadLetterVerbsTest, List) {
  EXPECT_EQ(Run({"dlq", "list", "flights"}), kOk) << error_.str();
  EXPECT_EQ(client_.asked_letters.verb(), proto::DeadLettersRequest::LIST);
  EXPECT_EQ(client_.asked_letters.job(), "flights");
  EXPECT_EQ(out_.str(),
            "OPERATOR  TOPIC  PARTITION  BEGIN  END  REPLAYED-TO\n"
            "parse     dead   1          4      90   -\n");
  EXPECT_EQ(Run({"dlq", "list", "flights", "-o", "json"}), kOk);
  EXPECT_EQ(out_.str(), R"json({
  "topics": [
    {
      "operator_uid": "parse",
      "topic": "dead",
      "partition": 1,
      "begin_offset": 4,
      "end_offset": 90,
      "replayed_to": null
    }
  ]
}
)json");
  EXPECT_EQ(Run({"dlq", "list", "flights", "-o", "name"}), kOk);
  EXPECT_EQ(out_.str(), "topic/dead-1\n");
}

TEST_F(DeadLetterVerbsTest, ShowKeepsContentsToItself) {
  EXPECT_EQ(Run({"dlq", "show", "flights", "--operator=parse", "--limit=5", "--all"}), kOk);
  EXPECT_EQ(client_.asked_letters.verb(), proto::DeadLettersRequest::SHOW);
  EXPECT_EQ(client_.asked_letters.operator_uid(), "parse");
  EXPECT_EQ(client_.asked_letters.limit(), 5u);
  EXPECT_TRUE(client_.asked_letters.all());
  EXPECT_FALSE(client_.asked_letters.contents());
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("1          17      2001-01-01T00:01:00.500Z  in-3@8   no "
                              "object\n"),
                    Not(HasSubstr("JSON"))));
  EXPECT_EQ(Run({"dlq", "show", "flights", "--contents"}), kOk);
  EXPECT_TRUE(client_.asked_letters.contents());
  EXPECT_THAT(out_.str(), HasSubstr("no\\nJSON"));
  EXPECT_EQ(Run({"dlq", "show", "flights", "-o", "json"}), kOk);
  EXPECT_EQ(out_.str(), R"json({
  "operator_uid": "parse",
  "letters": [
    {
      "partition": 1,
      "offset": 17,
      "timestamp": "2001-01-01T00:01:00.500Z",
      "headers": {
        "weir.errors.message": "no object",
        "weir.errors.offset": "8",
        "weir.errors.partition": "3",
        "weir.errors.topic": "in"
      }
    }
  ]
}
)json");
  EXPECT_EQ(Run({"dlq", "show", "flights", "--contents", "-o", "json"}), kOk);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\"key_base64\": null"),
                                HasSubstr("\"value_base64\": \"bm8KSlNPTg==\"")));
}

TEST_F(DeadLetterVerbsTest, Replay) {
  EXPECT_EQ(Run({"dlq", "replay", "flights", "--to=fixed"}), kOk);
  EXPECT_EQ(client_.asked_letters.verb(), proto::DeadLettersRequest::REPLAY);
  EXPECT_EQ(client_.asked_letters.target(), "fixed");
  EXPECT_EQ(client_.asked_letters.limit(), 0u);
  EXPECT_EQ(out_.str(), "12 dead letters of operator 'parse' replayed\n");
}

TEST_F(DeadLetterVerbsTest, WrongLimitIsTheUsersMistake) {
  EXPECT_EQ(Run({"dlq", "show", "flights", "--limit=none"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: --limit is 'none'; it must be a number from 1 on\n");
  EXPECT_TRUE(client_.calls.empty());
}

}  // namespace
}  // namespace weir::cli
