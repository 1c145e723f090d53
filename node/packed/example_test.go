package packed_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/aqsha/aqsha/node/packed"
)

// A thousand lines are packed, and read back; the reader says at the end whether they are the same.
func Example() {
	lines := strings.Repeat("a wallet of the same bank\n", 1000)
	var file bytes.Buffer
	w := packed.NewWriter(&file)
	if _, err := io.WriteString(w, lines); err != nil {
		fmt.Println(err)
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
	}
	small := file.Len() < 200
	r := packed.NewReader(&file)
	defer r.Close()
	again, err := io.ReadAll(r)
	fmt.Println(small, string(again) == lines, err)
	// Output: true true <nil>
}
