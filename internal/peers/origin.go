package peers

import (
	"fmt"
	"net/url"
	"strings"
)

// CheckOrigin returns an error if text is not the origin of a web page as browsers send it:
// scheme, host, and the port if it is not the scheme's own. One * stands for all.
func CheckOrigin(text string) error {
	if text == "*" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "", u.Scheme+"://"+u.Host != text, strings.ToLower(text) != text,
		u.Scheme == "http" && u.Port() == "80", u.Scheme == "https" && u.Port() == "443":
		return fmt.Errorf("%.100q is no origin: want how a page's address begins, in small letters and without the usual port, such as https://example.org or http://localhost:3000, or *", text)
	}
	return nil
}
