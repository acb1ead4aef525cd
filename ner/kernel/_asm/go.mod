module github.com/narwhal-server/narwhal/ner/kernel/_asm

go 1.26.8

require github.com/mmcloughlin/avo v0.6.0

require (
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

// avo v0.6.0 asks for a version of x/tools that this Go does not compile.
require golang.org/x/tools v0.52.0 // indirect
