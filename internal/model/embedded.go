//go:build embed_model

package model

import _ "embed"

// archive is a string and not an embed.FS, because a string is the program's
// own read-only pages and an embed.FS hands out copies. The processes of one
// program share those pages, and only what is read is ever in memory.
//
//go:embed embedded/en_core_web_sm.zip
var archive string
