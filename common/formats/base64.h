#pragma once

#include <cstddef>
#include <string_view>

namespace weir {

/// RFC 4648 section 4 (alphabet with + and /, padded): how formats of text carry bytes.
constexpr size_t Base64Length(size_t bytes) { return (bytes + 2) / 3 * 4; }

/// Writes Base64Length(bytes.size()) characters and returns how many.
size_t EncodeBase64(std::string_view bytes, char* out);

/// Writes at most text.size() / 4 * 3 bytes and sets their number; false unless the text is exactly
/// what EncodeBase64 writes for some bytes.
bool DecodeBase64(std::string_view text, char* out, size_t* size);

}  // namespace weir
