package ask_test

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aqsha/aqsha/market/ask"
)

func Example() {
	_, err := ask.Folder("data").Answer(context.Background(), "summary", url.Values{"file": {"../etc/passwd"}})
	fmt.Println(err)
	// Output: file: "../etc/passwd" is not the name of a file in the data folder
}
