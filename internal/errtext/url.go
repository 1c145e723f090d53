package errtext

import (
	"regexp"
	"strings"
)

// hidden stands for a password, as net/url writes it.
const hidden = "xxxxx"

var (
	userInfo = regexp.MustCompile(`(://[^\s/?#"'<>@:]*):[^\s/?#"'<>]*@`)
	// A password in which a / ? or # is not escaped: such a URL cannot be read, and stands in the error that says so.
	oddUserInfo = regexp.MustCompile(`(://[^\s/?#"'<>@:]*):([^\s"'<>]*)@`)
	port        = regexp.MustCompile(`^[0-9]*[/?#,]`)
)

// Redact is a text without the passwords of the URLs in it. What is printed, logged or answered is read by others than
// those who may use them. Where it is not clear what is password, it hides too much.
func Redact(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	text = userInfo.ReplaceAllString(text, "${1}:"+hidden+"@")
	return oddUserInfo.ReplaceAllStringFunc(text, func(found string) string {
		parts := oddUserInfo.FindStringSubmatch(found)
		if rest := parts[2]; rest == hidden || strings.HasPrefix(rest, hidden+"@") || port.MatchString(rest) {
			return found
		}
		return parts[1] + ":" + hidden + "@"
	})
}
