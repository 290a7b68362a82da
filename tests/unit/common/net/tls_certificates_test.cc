#include "common/net/tls_certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/net/self_signed_certificate.h"
#include "tests/support/settable_clock.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr absl::Duration kDay = absl::Hours(24);

class TlsCertificatesTest : public testing::Test {
 protected:
  TlsCertificatesTest() {
    security_.certificate_file = directory_.File("node.pem");
    security_.key_file = directory_.File("node.key");
    security_.ca_file = directory_.File("ca.pem");
    EXPECT_TRUE(InitLogging({.process_name = "test", .file = LogFile()}).ok());
  }
  ~TlsCertificatesTest() override {
    EXPECT_TRUE(InitLogging({.level = LogLevel::kWarning, .process_name = "test"}).ok());
  }

  // Ten years from now.
  SelfSignedCertificate Made() {
    const auto made = MakeSelfSignedCertificate("weir", clock_.Now());
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(SelfSignedCertificate());
  }
  static void Write(const std::string& path, const std::string& contents) {
    std::ofstream(path, std::ios::trunc) << contents;
  }
  void Write(const SelfSignedCertificate& pair) {
    Write(security_.certificate_file, pair.certificate);
    Write(security_.key_file, pair.key);
    Write(security_.ca_file, pair.certificate);
  }
  void Create() {
    auto created = TlsCertificates::Create(security_);
    ASSERT_TRUE(created.ok()) << created.status();
    certificates_ = *std::move(created);
  }
  absl::Status CreateStatus() { return TlsCertificates::Create(security_).status(); }
  void Look() { certificates_->Look(clock_.Now()); }

  std::string LogFile() const { return directory_.File("log"); }
  std::string Logged() const {
    std::ifstream file(LogFile());
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  size_t LinesLogged() const {
    const std::string logged = Logged();
    return static_cast<size_t>(std::count(logged.begin(), logged.end(), '\n'));
  }

  TemporaryDirectory directory_;
  SettableClock clock_;
  SecurityOptions security_;
  std::shared_ptr<TlsCertificates> certificates_;
};

TEST_F(TlsCertificatesTest, HasWhatTheFilesHold) {
  const SelfSignedCertificate pair = Made();
  Write(pair);
  Create();
  const auto material = certificates_->current();
  EXPECT_EQ(material->certificate, pair.certificate);
  EXPECT_EQ(material->key, pair.key);
  EXPECT_EQ(material->authorities, pair.certificate);
  EXPECT_EQ(material->serial, "01");
  EXPECT_EQ(material->not_before, clock_.Now() - absl::Hours(1));
  EXPECT_EQ(material->not_after, clock_.Now() + 3650 * kDay);
  EXPECT_THAT(material->chain, IsEmpty());
}

TEST_F(TlsCertificatesTest, TakesTheCertificatesAboveTheFirst) {
  const SelfSignedCertificate pair = Made();
  Write(pair);
  Write(security_.certificate_file, absl::StrCat(pair.certificate, Made().certificate));
  Create();
  EXPECT_EQ(certificates_->current()->chain.size(), 1u);
}

TEST_F(TlsCertificatesTest, ChangedFilesAreTakenOver) {
  Write(Made());
  Create();
  const auto before = certificates_->current();
  Look();
  EXPECT_EQ(certificates_->current(), before);  // the same object: nobody sets up anything anew
  EXPECT_EQ(LinesLogged(), 0u) << Logged();
  const SelfSignedCertificate renewed = Made();
  Write(renewed);
  Look();
  EXPECT_EQ(certificates_->current()->certificate, renewed.certificate);
  EXPECT_EQ(certificates_->current()->authorities, renewed.certificate);
  EXPECT_THAT(Logged(), AllOf(HasSubstr("TLS certificates are reloaded"),
                              HasSubstr(security_.certificate_file)));
}

TEST_F(TlsCertificatesTest, ChangedAuthoritiesAloneAreTakenOver) {
  Write(Made());
  Create();
  const std::string other = Made().certificate;
  Write(security_.ca_file, other);
  Look();
  EXPECT_EQ(certificates_->current()->authorities, other);
}

TEST_F(TlsCertificatesTest, KeyOfAnotherCertificateLeavesTheOldPairAndIsNamed) {
  Write(Made());
  Create();
  const auto before = certificates_->current();
  const SelfSignedCertificate renewed = Made();
  Write(security_.certificate_file, renewed.certificate);
  Look();
  EXPECT_EQ(certificates_->current(), before);
  EXPECT_THAT(Logged(),
              AllOf(HasSubstr("cannot be reloaded"), HasSubstr(security_.certificate_file),
                    HasSubstr(security_.key_file), HasSubstr("key values mismatch")));
  Write(security_.key_file, renewed.key);
  Look();
  EXPECT_EQ(certificates_->current()->key, renewed.key);
}

TEST_F(TlsCertificatesTest, FileThatIsCutShortOrGoneLeavesTheOldOnes) {
  const SelfSignedCertificate pair = Made();
  Write(pair);
  Create();
  const auto before = certificates_->current();
  const auto expect_kept_naming = [&](const std::string& path) {
    Look();
    EXPECT_EQ(certificates_->current(), before) << path;
    EXPECT_THAT(Logged().substr(Logged().rfind("cannot be reloaded")), HasSubstr(path));
  };
  const SelfSignedCertificate renewed = Made();
  Write(security_.certificate_file, renewed.certificate.substr(0, 200));
  expect_kept_naming(security_.certificate_file);
  Write(security_.certificate_file, "");
  expect_kept_naming(security_.certificate_file);
  Write(pair);
  Write(security_.key_file, renewed.key.substr(0, 60));
  expect_kept_naming(security_.key_file);
  Write(pair);
  Write(security_.ca_file, absl::StrCat(renewed.certificate, pair.certificate.substr(0, 100)));
  expect_kept_naming(security_.ca_file);
  std::filesystem::remove(security_.ca_file);
  expect_kept_naming(security_.ca_file);
}

TEST_F(TlsCertificatesTest, WhatIsWrongIsSaidWhenItChangesAndEveryHour) {
  Write(Made());
  Create();
  Write(security_.key_file, "");
  for (int i = 0; i < 10; ++i) Look();
  EXPECT_EQ(LinesLogged(), 1u) << Logged();
  Write(security_.key_file, Made().key);
  for (int i = 0; i < 10; ++i) Look();
  EXPECT_EQ(LinesLogged(), 2u) << Logged();
  clock_.Advance(TlsCertificates::kSayAgainAfter);
  for (int i = 0; i < 10; ++i) Look();
  EXPECT_EQ(LinesLogged(), 3u) << Logged();
}

TEST_F(TlsCertificatesTest, WarnsThatItExpiresOnceADayUntilItIsRenewed) {
  Write(Made());
  Create();
  clock_.Advance(3643 * kDay);
  Look();
  EXPECT_EQ(LinesLogged(), 0u) << Logged();
  clock_.Advance(absl::Hours(1));
  for (int i = 0; i < 10; ++i) Look();
  EXPECT_EQ(LinesLogged(), 1u) << Logged();
  EXPECT_THAT(Logged(), AllOf(HasSubstr("the TLS certificate expires soon"),
                              HasSubstr(security_.certificate_file)));
  clock_.Advance(7 * kDay);
  Look();
  EXPECT_THAT(Logged(), HasSubstr("the TLS certificate has expired"));
  Write(Made());
  Look();
  const size_t lines = LinesLogged();
  clock_.Advance(kDay);
  Look();
  EXPECT_EQ(LinesLogged(), lines) << Logged();
}

TEST_F(TlsCertificatesTest, AuthoritiesAloneHaveNoExpiryToWarnOf) {
  Write(Made());
  security_.certificate_file.clear();
  security_.key_file.clear();
  Create();
  clock_.Advance(3660 * kDay);
  Look();
  EXPECT_EQ(certificates_->current()->not_after, absl::InfiniteFuture());
  EXPECT_THAT(Logged(), Not(HasSubstr("expire")));
}

TEST_F(TlsCertificatesTest, WhatIsWrongAtTheStartIsAnError) {
  Write(Made());
  Write(security_.key_file, Made().key);
  EXPECT_EQ(CreateStatus(), absl::InvalidArgumentError(absl::StrCat(
                                "security.tls.certificate-file '", security_.certificate_file,
                                "' cannot be used with security.tls.key-file '", security_.key_file,
                                "': key values mismatch")));
  Write(security_.key_file, "-----BEGIN");
  EXPECT_THAT(std::string(CreateStatus().message()),
              AllOf(HasSubstr(security_.key_file), HasSubstr("holds no key that can be read")));
}

}  // namespace
}  // namespace weir
