package ur

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image"
	"image/gif"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The byte words' published example, and frames in any order.
func TestFrames(t *testing.T) {
	if len(bytewords) != 4*256 || len(byLetters) != 256 {
		t.Fatal(len(bytewords), len(byLetters))
	}
	raw, _ := hex.DecodeString("d9012ca20150c7098580125e2ab0981253468b2dbc5202d8641947da")
	if got := words(raw); got != "taaddwoeadgdstaslplabghydrpfmkbggufgludprfgmaotpiecffltntddwgmrp" {
		t.Error(got)
	}
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(t, "message")
		frames, err := Frames(message, rapid.IntRange(10, 300).Draw(t, "most"))
		if err != nil {
			t.Fatal(err)
		}
		shuffled := rapid.Permutation(frames).Draw(t, "order")
		got, whole, err := Join(strings.Join(append(shuffled[:1:1], shuffled...), "\n "))
		if err != nil || !whole || !bytes.Equal(got, message) {
			t.Fatalf("%x became %x, %t, %v", message, got, whole, err)
		}
		if !Is(" "+frames[0]) || Is("0123") {
			t.Fatal("a frame is not known by its beginning")
		}
		if len(frames) > 1 {
			if got, whole, err = Join(strings.Join(shuffled[1:], " ")); whole || err != nil {
				t.Fatalf("without a frame it is %x, %v", got, err)
			}
		}
		flipped := []byte(strings.ToLower(frames[0]))
		flipped[len(flipped)-1] ^= 1
		var wrong *FrameError
		if got, _, err := Join(string(flipped)); !errors.As(err, &wrong) {
			t.Fatalf("a changed frame was taken: %x", got)
		}
	})
	if _, err := Frames(nil, 9); err == nil {
		t.Error("frames of nine bytes")
	}
	if _, err := Frames(make([]byte, MaxMessage+1), 100); err == nil {
		t.Error("a message too large")
	}
}

// pictures are the images of a picture.
func pictures(t *testing.T, data []byte) (list []image.Image) {
	t.Helper()
	if one, err := png.Decode(bytes.NewReader(data)); err == nil {
		return []image.Image{one}
	}
	all, err := gif.DecodeAll(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all.Image {
		list = append(list, one)
	}
	return list
}

// A picture of a message is read again by another program's reader (jsQR): one code that stands still, or an animated
// one, whose frames are of one size.
func TestAPictureIsReadByAnother(t *testing.T) {
	node, err := exec.LookPath("node")
	reader, _ := filepath.Abs("../../console/ui/node_modules/jsqr/dist/jsQR.js")
	if _, missing := os.Stat(reader); err != nil || missing != nil {
		t.Skip("no Node.js, or the page's modules are not installed: npm ci in console/ui")
	}
	for _, size := range []int{30, 2048} {
		message := bytes.Repeat([]byte{0xa5, 1, 0}, size/3)
		frames, err := Frames(message, 150)
		if err != nil {
			t.Fatal(err)
		}
		data, err := Picture(frames)
		if err != nil {
			t.Fatal(err)
		}
		type pixels struct {
			Width, Height int
			Black         []byte // a byte each
		}
		var input bytes.Buffer
		drawn := pictures(t, data)
		if len(drawn) != len(frames) {
			t.Fatalf("%d pictures of %d frames", len(drawn), len(frames))
		}
		for _, one := range drawn {
			p := pixels{Width: one.Bounds().Dx(), Height: one.Bounds().Dy()}
			if p.Width != drawn[0].Bounds().Dx() {
				t.Errorf("pictures of %d and %d pixels", p.Width, drawn[0].Bounds().Dx())
			}
			for y := range p.Height {
				for x := range p.Width {
					r, _, _, _ := one.At(x, y).RGBA()
					p.Black = append(p.Black, byte(1-r/0xffff))
				}
			}
			if err := json.NewEncoder(&input).Encode(p); err != nil {
				t.Fatal(err)
			}
		}
		command := exec.CommandContext(t.Context(), node, "-e", `const jsQR = require(process.argv[1]).default ?? require(process.argv[1])
for (const line of require('fs').readFileSync(0, 'utf8').trim().split('\n')) {
  const p = JSON.parse(line), black = Buffer.from(p.Black, 'base64'), rgba = new Uint8ClampedArray(4 * black.length)
  black.forEach((b, i) => { rgba.set([b ? 0 : 255, b ? 0 : 255, b ? 0 : 255, 255], 4 * i) })
  console.log(jsQR(rgba, p.Width, p.Height)?.data ?? 'none')
}`, reader)
		command.Stdin = &input
		out, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got, whole, err := Join(string(out)); err != nil || !whole || !bytes.Equal(got, message) {
			t.Errorf("of %d frames it reads %q, %v", len(frames), out, err)
		}
	}
}

func TestNoPicture(t *testing.T) {
	if _, err := Picture(nil); err == nil {
		t.Error("a picture of nothing")
	}
	if _, err := Picture([]string{strings.Repeat("A", 5000)}); err == nil {
		t.Error("a code of 5,000 characters")
	}
}

// FuzzJoin: whatever stands before a camera is a message or none.
func FuzzJoin(f *testing.F) {
	for _, size := range []int{1, 600} {
		frames, _ := Frames(make([]byte, size), 100)
		f.Add(strings.Join(frames, " "))
	}
	f.Add("ur:bytes/1-2/lpadaxcf")
	f.Fuzz(func(t *testing.T, text string) {
		message, whole, err := Join(text)
		if err == nil && whole {
			if again, err := Frames(message, 10_000_000); err != nil || len(again) != 1 {
				t.Fatalf("%x is in no frame: %v", message, err)
			}
		}
	})
}

// A code stands in a quiet zone of four modules, without which readers do not find it (ISO/IEC 18004).
func TestACodeHasAQuietZone(t *testing.T) {
	for _, size := range []int{30, 600} {
		frames, err := Frames(make([]byte, size), 150)
		if err != nil {
			t.Fatal(err)
		}
		data, err := Picture(frames)
		if err != nil {
			t.Fatal(err)
		}
		for i, one := range pictures(t, data) {
			black := func(x, y int) bool { r, _, _, _ := one.At(x, y).RGBA(); return r == 0 }
			side, edge := one.Bounds().Dx(), scale*quiet
			for at := range side {
				for d := range edge {
					if black(at, d) || black(d, at) || black(at, side-1-d) || black(side-1-d, at) {
						t.Fatalf("picture %d of %d: something is drawn at its edge", i, len(frames))
					}
				}
			}
			if !black(edge, edge) || !black(side-1-edge, edge) || !black(edge, side-1-edge) ||
				black(edge+scale, edge+scale) {
				t.Errorf("picture %d of %d: its corners are no finder patterns", i, len(frames))
			}
		}
	}
}
