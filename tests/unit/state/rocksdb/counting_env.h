#pragma once

#include <rocksdb/env.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace weir {

/// The real files, and how many bytes of tables are read and of files are written.
class CountingEnv final : public rocksdb::EnvWrapper {
 public:
  CountingEnv() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}
  rocksdb::Status NewRandomAccessFile(const std::string& name,
                                      std::unique_ptr<rocksdb::RandomAccessFile>* file,
                                      const rocksdb::EnvOptions& options) override {
    std::unique_ptr<rocksdb::RandomAccessFile> opened;
    rocksdb::Status status = rocksdb::EnvWrapper::NewRandomAccessFile(name, &opened, options);
    if (status.ok()) *file = std::make_unique<ReadFile>(std::move(opened), read_bytes);
    return status;
  }
  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* file,
                                  const rocksdb::EnvOptions& options) override {
    std::unique_ptr<rocksdb::WritableFile> opened;
    rocksdb::Status status = rocksdb::EnvWrapper::NewWritableFile(name, &opened, options);
    if (status.ok()) *file = std::make_unique<WrittenFile>(std::move(opened), written_bytes);
    return status;
  }
  std::atomic<size_t> read_bytes{0};
  std::atomic<size_t> written_bytes{0};

 private:
  class ReadFile final : public rocksdb::RandomAccessFileWrapper {
   public:
    ReadFile(std::unique_ptr<rocksdb::RandomAccessFile> file, std::atomic<size_t>& read_bytes)
        : rocksdb::RandomAccessFileWrapper(file.get()),
          file_(std::move(file)),
          read_bytes_(read_bytes) {}
    rocksdb::Status Read(uint64_t offset, size_t bytes, rocksdb::Slice* result,
                         char* scratch) const override {
      read_bytes_ += bytes;
      return file_->Read(offset, bytes, result, scratch);
    }

   private:
    const std::unique_ptr<rocksdb::RandomAccessFile> file_;
    std::atomic<size_t>& read_bytes_;
  };
  class WrittenFile final : public rocksdb::WritableFileWrapper {
   public:
    WrittenFile(std::unique_ptr<rocksdb::WritableFile> file, std::atomic<size_t>& written_bytes)
        : rocksdb::WritableFileWrapper(file.get()),
          file_(std::move(file)),
          written_bytes_(written_bytes) {}
    rocksdb::Status Append(const rocksdb::Slice& bytes) override {
      written_bytes_ += bytes.size();
      return file_->Append(bytes);
    }
    rocksdb::Status Append(const rocksdb::Slice& bytes,
                           const rocksdb::DataVerificationInfo& verification) override {
      written_bytes_ += bytes.size();
      return file_->Append(bytes, verification);
    }

   private:
    const std::unique_ptr<rocksdb::WritableFile> file_;
    std::atomic<size_t>& written_bytes_;
  };
};

}  // namespace weir
