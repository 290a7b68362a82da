#include "common/net/self_signed_certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr absl::Duration kClockSkew = absl::Hours(1);
constexpr absl::Duration kValidity = absl::Hours(10 * 365 * 24);

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Free>;
using CertificatePtr = std::unique_ptr<X509, Free>;

template <class Write>
std::string PemText(const Write& write) {
  const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || write(bio.get()) != 1) return "";
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

bool AddName(X509* certificate, const std::string& name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0) != 1) return false;
  const std::unique_ptr<X509_EXTENSION, Free> names(X509V3_EXT_conf_nid(
      nullptr, nullptr, NID_subject_alt_name, absl::StrCat("DNS:", name).c_str()));
  return X509_set_issuer_name(certificate, subject) == 1 && names != nullptr &&
         X509_add_ext(certificate, names.get(), -1) == 1;
}

}  // namespace

absl::StatusOr<SelfSignedCertificate> MakeSelfSignedCertificate(const std::string& name,
                                                                absl::Time now) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate(X509_new());
  const bool made =
      key != nullptr && certificate != nullptr && X509_set_version(certificate.get(), 2) == 1 &&
      ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1) == 1 &&
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(now - kClockSkew)) !=
          nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(now + kValidity)) !=
          nullptr &&
      X509_set_pubkey(certificate.get(), key.get()) == 1 && AddName(certificate.get(), name) &&
      X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0;
  SelfSignedCertificate result;
  if (made) {
    result.certificate =
        PemText([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
    result.key = PemText([&](BIO* bio) {
      return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  if (result.certificate.empty() || result.key.empty()) {
    return absl::InternalError("OpenSSL makes no certificate");
  }
  return result;
}

}  // namespace weir
