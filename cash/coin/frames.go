package coin

import (
	"errors"

	"github.com/aqsha/aqsha/internal/ur"
)

// Frames cuts a token's text into frames of an animated code (NUT-16), each of at most so many bytes.
func Frames(text string, most int) ([]string, error) {
	frames, err := ur.Frames([]byte(text), most)
	return frames, asFormat(err)
}

// Joiner puts a token's frames together, in any order, some of them twice. The zero Joiner is ready.
type Joiner struct{ frames ur.Joiner }

// Add takes a frame and returns the text once it is whole.
func (j *Joiner) Add(frame string) (text string, whole bool, err error) {
	message, whole, err := j.frames.Add(frame)
	return string(message), whole, asFormat(err)
}

// asFormat is a frame's error as a token's.
func asFormat(err error) error {
	var frame *ur.FrameError
	if errors.As(err, &frame) {
		return badFormat("frame", "%s", frame.Rule)
	}
	return err
}
