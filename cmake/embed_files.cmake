# cmake -D FOLDER=... -D FILES=a|b -D HEADER=... -D FUNCTION=... -D OUTPUT=... -P this
# Writes a source file in which FUNCTION returns the files, as {path below FOLDER, text}.
string(REPLACE "|" ";" FILES "${FILES}")
string(REGEX REPLACE "::[^:]+$" "" namespace "${FUNCTION}")
string(REGEX REPLACE "^.*::" "" function "${FUNCTION}")
set(source "#include \"${HEADER}\"\n\nnamespace ${namespace} {\n\n")
string(APPEND source "const std::vector<TemplateFile>& ${function}() {\n")
string(APPEND source "  static const auto& files = *new std::vector<TemplateFile>{\n")
foreach(file IN LISTS FILES)
  file(READ "${FOLDER}/${file}" text)
  string(APPEND source "      {\"${file}\", R\"embedded(${text})embedded\"},\n")
endforeach()
string(APPEND source "  };\n  return files;\n}\n\n}  // namespace ${namespace}\n")
file(WRITE "${OUTPUT}" "${source}")
