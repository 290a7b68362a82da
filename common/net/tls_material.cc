#include "common/net/tls_material.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

constexpr absl::string_view kCertificateOption = "security.tls.certificate-file";
constexpr absl::string_view kKeyOption = "security.tls.key-file";
constexpr absl::string_view kAuthoritiesOption = "security.tls.ca-file";

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(char* text) const { OPENSSL_free(text); }
};

using CertificatePtr = std::unique_ptr<X509, FreeOfOpenSsl>;

// OpenSSL's queue of errors is the thread's: what is left in it is taken for an error of the next
// call that looks, such as a read from a connection.
struct ErrorsEnd {
  ~ErrorsEnd() { ERR_clear_error(); }
};

std::string LastError() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == nullptr ? "OpenSSL does not say why" : reason;
}

// A file of an option, for messages.
struct NamedFile {
  absl::string_view option;
  const std::string& path;
};

std::string Text(const NamedFile& file) { return absl::StrCat(file.option, " '", file.path, "'"); }

absl::StatusOr<std::string> ReadPem(const NamedFile& named) {
  if (named.path.empty()) return std::string();
  std::ifstream file(named.path, std::ios::binary);
  std::ostringstream contents;
  if (!file || !(contents << file.rdbuf())) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", Text(named)));
  }
  if (!absl::StrContains(contents.str(), "-----BEGIN")) {
    return absl::InvalidArgumentError(absl::StrCat(Text(named), " is no PEM file"));
  }
  return contents.str();
}

std::unique_ptr<BIO, Free> BioOf(const std::string& pem) {
  return std::unique_ptr<BIO, Free>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// OpenSSL's own asks the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

bool ReadToItsEnd() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

absl::StatusOr<std::vector<CertificatePtr>> ParseCertificates(const std::string& pem,
                                                              const NamedFile& named) {
  const ErrorsEnd errors_end;
  std::vector<CertificatePtr> certificates;
  const auto bio = BioOf(pem);
  while (X509* next = PEM_read_bio_X509_AUX(bio.get(), nullptr, &NoPassphrase, nullptr)) {
    certificates.emplace_back(next);
  }
  if (!ReadToItsEnd()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Text(named), " is damaged or cut short: ", LastError()));
  }
  if (certificates.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(Text(named), " holds no certificate"));
  }
  return certificates;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm utc = {};
  if (ASN1_TIME_to_tm(time, &utc) != 1) return absl::InfiniteFuture();
  return absl::FromTM(utc, absl::UTCTimeZone());
}

std::string SerialOf(const X509* certificate) {
  const std::unique_ptr<BIGNUM, Free> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (number == nullptr) return "";
  const std::unique_ptr<char, Free> text(BN_bn2hex(number.get()));
  return text == nullptr ? "" : text.get();
}

// As a server will do it.
bool CanBeServed(const TlsMaterial& material) {
  const std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_method()));
  bool served = context != nullptr &&
                SSL_CTX_use_certificate(context.get(), material.leaf.get()) == 1 &&
                SSL_CTX_use_PrivateKey(context.get(), material.private_key.get()) == 1;
  for (const CertificatePtr& above : material.chain) {
    served = served && SSL_CTX_add1_chain_cert(context.get(), above.get()) == 1;
  }
  return served;
}

absl::Status ParsePair(const SecurityOptions& security, TlsMaterial* material) {
  const NamedFile certificate = {kCertificateOption, security.certificate_file};
  const NamedFile key = {kKeyOption, security.key_file};
  WEIR_ASSIGN_OR_RETURN(std::vector<CertificatePtr> certificates,
                        ParseCertificates(material->certificate, certificate));
  material->leaf = std::move(certificates.front());
  for (size_t i = 1; i < certificates.size(); ++i) {
    material->chain.push_back(std::move(certificates[i]));
  }
  const ErrorsEnd errors_end;
  material->private_key.reset(
      PEM_read_bio_PrivateKey(BioOf(material->key).get(), nullptr, &NoPassphrase, nullptr));
  if (material->private_key == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(Text(key), " holds no key that can be read: ", LastError()));
  }
  if (!CanBeServed(*material)) {
    return absl::InvalidArgumentError(
        absl::StrCat(Text(certificate), " cannot be used with ", Text(key), ": ", LastError()));
  }
  material->serial = SerialOf(material->leaf.get());
  material->not_before = TimeOf(X509_get0_notBefore(material->leaf.get()));
  material->not_after = TimeOf(X509_get0_notAfter(material->leaf.get()));
  return absl::OkStatus();
}

absl::Status ParseAuthorities(const SecurityOptions& security, TlsMaterial* material) {
  const NamedFile named = {kAuthoritiesOption, security.ca_file};
  WEIR_ASSIGN_OR_RETURN(const std::vector<CertificatePtr> certificates,
                        ParseCertificates(material->authorities, named));
  const ErrorsEnd errors_end;
  material->store.reset(X509_STORE_new());
  for (const CertificatePtr& authority : certificates) {
    if (X509_STORE_add_cert(material->store.get(), authority.get()) != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(Text(named), " cannot be used: ", LastError()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const TlsMaterial>> ReadOnce(
    const SecurityOptions& security, const std::shared_ptr<const TlsMaterial>& known) {
  const auto read = std::make_shared<TlsMaterial>();
  WEIR_ASSIGN_OR_RETURN(read->certificate,
                        ReadPem({kCertificateOption, security.certificate_file}));
  WEIR_ASSIGN_OR_RETURN(read->key, ReadPem({kKeyOption, security.key_file}));
  WEIR_ASSIGN_OR_RETURN(read->authorities, ReadPem({kAuthoritiesOption, security.ca_file}));
  if (known != nullptr && read->certificate == known->certificate && read->key == known->key &&
      read->authorities == known->authorities) {
    return known;
  }
  if (!read->certificate.empty()) WEIR_RETURN_IF_ERROR(ParsePair(security, read.get()));
  if (!read->authorities.empty()) WEIR_RETURN_IF_ERROR(ParseAuthorities(security, read.get()));
  return read;
}

}  // namespace

void FreeOfOpenSsl::operator()(X509* certificate) const { X509_free(certificate); }
void FreeOfOpenSsl::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
void FreeOfOpenSsl::operator()(X509_STORE* store) const { X509_STORE_free(store); }

absl::StatusOr<std::shared_ptr<const TlsMaterial>> ReadTlsMaterial(
    const SecurityOptions& security, const std::shared_ptr<const TlsMaterial>& known) {
  absl::StatusOr<std::shared_ptr<const TlsMaterial>> read = ReadOnce(security, known);
  return read.ok() ? read : ReadOnce(security, known);
}

}  // namespace weir
