package query_test

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aqsha/aqsha/market/query"
)

func Example() {
	_, err := query.Folder("data").Answer(context.Background(), "summary", url.Values{"file": {"../etc/passwd"}})
	fmt.Println(err)
	// Output: file: "../etc/passwd" is not the name of a file in the data folder
}
