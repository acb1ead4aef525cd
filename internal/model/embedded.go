//go:build embed_model

package model

import _ "embed"

// archive is the model in the program. It is a string and not an embed.FS, because an
// embed.FS returns copies. A string is read-only pages of the program: all its processes
// share them, and only pages that were read are in memory.
//
//go:embed embedded/en_core_web_sm.zip
var archive string
