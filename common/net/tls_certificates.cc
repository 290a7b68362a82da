#include "common/net/tls_certificates.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/status_macros.h"

namespace weir {
namespace {

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace

TlsCertificates::TlsCertificates(SecurityOptions security,
                                 std::shared_ptr<const TlsMaterial> current)
    : security_(std::move(security)), current_(std::move(current)) {}

absl::StatusOr<std::shared_ptr<TlsCertificates>> TlsCertificates::Create(SecurityOptions security) {
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<const TlsMaterial> read, ReadTlsMaterial(security));
  return std::shared_ptr<TlsCertificates>(
      new TlsCertificates(std::move(security), std::move(read)));
}

std::shared_ptr<const TlsMaterial> TlsCertificates::current() const {
  MutexLock lock(mutex_);
  return current_;
}

void TlsCertificates::Look(absl::Time now) {
  MutexLock lock(look_mutex_);
  Reload(now);
  WarnOfExpiry(now);
}

void TlsCertificates::Reload(absl::Time now) {
  const std::shared_ptr<const TlsMaterial> old = current();
  const absl::StatusOr<std::shared_ptr<const TlsMaterial>> read = ReadTlsMaterial(security_, old);
  if (!read.ok()) {
    const std::string failure(read.status().message());
    if (failure == failure_ && now - failure_said_at_ < kSayAgainAfter) return;
    failure_ = failure;
    failure_said_at_ = now;
    LogWarning("TLS certificates cannot be reloaded; those from before stay in use",
               {{"reason", failure}, {"serial", old->serial}});
    return;
  }
  failure_.clear();
  if (*read == old) return;
  {
    MutexLock lock(mutex_);
    current_ = *read;
  }
  if ((*read)->certificate.empty()) {
    LogInfo("TLS authorities are reloaded", {{"file", security_.ca_file}});
  } else {
    LogInfo("TLS certificates are reloaded", {{"file", security_.certificate_file},
                                              {"serial", (*read)->serial},
                                              {"serial_before", old->serial},
                                              {"expires", TimeText((*read)->not_after)}});
  }
}

void TlsCertificates::WarnOfExpiry(absl::Time now) {
  const std::shared_ptr<const TlsMaterial> material = current();
  if (material->certificate.empty()) return;
  switch (expiry_.Consider(material->not_before, material->not_after, now)) {
    case CertificateExpiryPolicy::Warning::kNone:
      return;
    case CertificateExpiryPolicy::Warning::kExpiresSoon:
      return LogWarning("the TLS certificate expires soon",
                        {{"file", security_.certificate_file},
                         {"serial", material->serial},
                         {"expires", TimeText(material->not_after)},
                         {"left", absl::Trunc(material->not_after - now, absl::Minutes(1))}});
    case CertificateExpiryPolicy::Warning::kHasExpired:
      return LogError("the TLS certificate has expired",
                      {{"file", security_.certificate_file},
                       {"serial", material->serial},
                       {"expired", TimeText(material->not_after)}});
  }
}

TlsCertificateWatch::TlsCertificateWatch(std::shared_ptr<TlsCertificates> certificates,
                                         absl::Duration interval)
    : certificates_(std::move(certificates)), interval_(interval) {
  executor_.PostAfter(interval_, [this] { LookAgain(); });
}

void TlsCertificateWatch::LookAgain() {
  certificates_->Look(clock_.Now());
  executor_.PostAfter(interval_, [this] { LookAgain(); });
}

}  // namespace weir
