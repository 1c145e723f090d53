package ur

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/png"

	"rsc.io/qr"
)

// Measures of a picture: pixels of a module, modules of the quiet zone (ISO/IEC 18004), and how long a frame of an
// animated code stands, in hundredths of a second.
const (
	scale = 4
	quiet = 4
	delay = 25
)

// Picture draws frames: a PNG of one code for one frame, a GIF that goes round for several.
func Picture(frames []string) ([]byte, error) {
	if len(frames) == 0 {
		return nil, refuse("is missing: there is nothing to draw")
	}
	codes, most := make([]*qr.Code, len(frames)), 0
	for i, frame := range frames {
		code, err := qr.Encode(frame, qr.L)
		if err != nil {
			return nil, refuse("of %d characters is too large for one code", len(frame))
		}
		codes[i], most = code, max(most, code.Size)
	}
	var out bytes.Buffer
	if len(codes) == 1 {
		err := png.Encode(&out, draw(codes[0], most))
		return out.Bytes(), err
	}
	var all gif.GIF
	for _, code := range codes {
		all.Image, all.Delay = append(all.Image, draw(code, most)), append(all.Delay, delay)
	}
	err := gif.EncodeAll(&out, &all)
	return out.Bytes(), err
}

// draw draws a code with room for so many modules a side: what follows on it covers it.
func draw(code *qr.Code, modules int) *image.Paletted {
	side := (modules + 2*quiet) * scale
	drawn := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			if code.Black(x/scale-quiet, y/scale-quiet) {
				drawn.Pix[y*drawn.Stride+x] = 1
			}
		}
	}
	return drawn
}
