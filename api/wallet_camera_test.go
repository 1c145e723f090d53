package api_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"rsc.io/qr"

	"github.com/aqsha/aqsha/money"
)

// film is what a camera sees that looks at a code: a few frames of YUV4MPEG2, which Chromium plays in the place of a camera.
func film(t *testing.T, text string) string {
	t.Helper()
	const width, height, frames = 640, 480, 4
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	scale := height / (code.Size + 8)
	luma := bytes.Repeat([]byte{235}, width*height)
	for y := range code.Size * scale {
		for x := range code.Size * scale {
			if code.Black(x/scale, y/scale) {
				luma[(y+4*scale)*width+x+4*scale] = 16
			}
		}
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n", width, height)
	for range frames {
		out.WriteString("FRAME\n")
		out.Write(luma)
		out.Write(bytes.Repeat([]byte{128}, width*height/2))
	}
	path := filepath.Join(t.TempDir(), "code.y4m")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A person holds the phone's camera before a shop's code, sees the sum, and pays.
func TestAPersonPaysByACodeBeforeTheCamera(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	code := fmt.Sprintf("aqsha:pay?network=%s&to=%s&amount=15005&reference=bread", w.world.Network, w.bob)
	phone := w.another(chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", film(t, code)))
	phone.takeAlice()
	phone.turn("pay")
	phone.press("Scan a code")
	phone.see("bread")
	phone.see("150.05")
	phone.press("Look and confirm")
	phone.press("Pay 150.05")
	phone.see("Paid: 150.05")
	if got := w.balanceOf(w.alice); got != 99_849*money.Tenge+95 {
		t.Errorf("%s are left of 100,000 after a payment of 150.05", got)
	}
}
