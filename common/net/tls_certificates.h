#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/exec/mutex.h"
#include "common/exec/thread_executor.h"
#include "common/net/certificate_expiry_policy.h"
#include "common/net/security_options.h"
#include "common/net/tls_material.h"
#include "common/time/system_clock.h"

namespace weir {

/// The certificates of a process, as their files have them now. Whoever connects or is connected to
/// asks for them at each connection, so that one that was renewed is used without a restart;
/// connections that are there go on.
///
/// Threads: any. Blocks on the disk in Create and Look alone.
class TlsCertificates {
 public:
  /// Reads the files. Errors of ReadTlsMaterial.
  static absl::StatusOr<std::shared_ptr<TlsCertificates>> Create(SecurityOptions security);

  /// Never null.
  std::shared_ptr<const TlsMaterial> current() const;

  /// Takes over what the files hold, if it is something else. Files that cannot be used leave what
  /// is there in use, with a warning that names them, when what is wrong with them changes and each
  /// kSayAgainAfter. Also warns of a certificate that expires (CertificateExpiryPolicy).
  void Look(absl::Time now);

  static constexpr absl::Duration kSayAgainAfter = absl::Hours(1);

 private:
  TlsCertificates(SecurityOptions security, std::shared_ptr<const TlsMaterial> current);

  void Reload(absl::Time now) WEIR_REQUIRES(look_mutex_);
  void WarnOfExpiry(absl::Time now) WEIR_REQUIRES(look_mutex_);

  const SecurityOptions security_;
  Mutex look_mutex_;  // held over the disk; taken before mutex_
  CertificateExpiryPolicy expiry_ WEIR_GUARDED_BY(look_mutex_);
  std::string failure_ WEIR_GUARDED_BY(look_mutex_);  // of the last look
  absl::Time failure_said_at_ WEIR_GUARDED_BY(look_mutex_);
  mutable Mutex mutex_;
  std::shared_ptr<const TlsMaterial> current_ WEIR_GUARDED_BY(mutex_);
};

/// Calls Look every `interval`, for the first time after one, on a thread of its own, "weir-tls":
/// a disk that hangs holds up nobody but the destructor.
class TlsCertificateWatch {
 public:
  TlsCertificateWatch(std::shared_ptr<TlsCertificates> certificates, absl::Duration interval);
  TlsCertificateWatch(const TlsCertificateWatch&) = delete;
  TlsCertificateWatch& operator=(const TlsCertificateWatch&) = delete;

 private:
  void LookAgain();

  const std::shared_ptr<TlsCertificates> certificates_;
  const absl::Duration interval_;
  const SystemClock clock_;
  ThreadExecutor executor_{{.name = "weir-tls"}};  // last: it uses all of the above
};

}  // namespace weir
