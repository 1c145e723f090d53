package sealed

import "github.com/aqsha/aqsha/token"

// Kinds of messages, the first item of each array. They never change.
const (
	kindKey     = 1
	kindSeal    = 2
	kindDealing = 3
	kindRequest = 4
	kindShare   = 5
)

// maxMessage is the most bytes of a message: a dealing among the most openers has 1,700.
const maxMessage = 2048

func begin(d *token.Decoder, kind uint64, items int) {
	d.Array("message", items, items)
	if got := d.Uint("message", 255); d.Err() == nil && got != kind {
		d.Fail(token.Errorf(token.UnknownKind, "message", "a message of kind %d, want %d", got, kind))
	}
}

func whole[T any](data []byte, read func(*token.Decoder) T) (result T, _ error) {
	if len(data) > maxMessage {
		return result, token.Errorf(token.TooLarge, "", "%d bytes, at most %d", len(data), maxMessage)
	}
	d := token.NewDecoder(data)
	result = read(d)
	if err := d.Finish(); err != nil {
		var none T
		return none, err
	}
	return result, nil
}
