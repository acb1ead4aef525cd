module example.org/browser

go 1.26.0

toolchain go1.26.8

require (
	github.com/chromedp/cdproto v0.160.1
	github.com/chromedp/chromedp v0.23.1
	github.com/narwhal-server/narwhal v0.0.0-00010101000000-000000000000
)

require (
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/swaggo/files/v2 v2.0.2 // indirect
)

replace github.com/narwhal-server/narwhal => ../..
