#include "common/net/grpc_tls_server_credentials.h"

#include <grpc/grpc_security.h>

#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/exec/mutex.h"

namespace weir {
namespace {

// What grpc::SslServerCredentials makes has certificates of its own for good. gRPC's core can ask
// for them at each connection ("config fetcher"), which no class of its C++ interface offers; so
// this is one more. (Its TlsServerCredentials watch files, too, but serve nobody after a pair that
// does not fit, are experimental, and check peers by other code.)
class FetchedServerCredentials final : public grpc::ServerCredentials {
 public:
  FetchedServerCredentials(std::shared_ptr<const TlsCertificates> certificates,
                           grpc_ssl_client_certificate_request_type client_certificate)
      : certificates_(std::move(certificates)),
        credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(client_certificate,
                                                                            &Fetch, this))) {}
  ~FetchedServerCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    WEIR_CHECK(false) << "tokens are checked by GrpcAuthorizer";
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<FetchedServerCredentials*>(self)->FetchIfNew(config);
  }
  grpc_ssl_certificate_config_reload_status FetchIfNew(
      grpc_ssl_server_certificate_config** config) {
    std::shared_ptr<const TlsMaterial> material = certificates_->current();
    MutexLock lock(mutex_);
    if (material == served_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair = {material->key.c_str(), material->certificate.c_str()};
    // gRPC aborts without authorities, also where no client is asked for a certificate, and then
    // looks at none of them.
    const std::string& authorities =
        material->authorities.empty() ? material->certificate : material->authorities;
    *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
    served_ = std::move(material);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<const TlsCertificates> certificates_;
  Mutex mutex_;
  std::shared_ptr<const TlsMaterial> served_ WEIR_GUARDED_BY(mutex_);
  grpc_server_credentials* const credentials_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> TlsServerCredentials(
    std::shared_ptr<const TlsCertificates> certificates, ClientCertificate client_certificate) {
  return std::make_shared<FetchedServerCredentials>(
      std::move(certificates), client_certificate == ClientCertificate::kRequired
                                   ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                   : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
}

}  // namespace weir
