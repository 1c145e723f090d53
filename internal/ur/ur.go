package ur

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// bytewords are 256 words (BCR-2020-012), word i at 4·i. Frames use the first and last letter of each, which tell all
// of them apart: two letters a byte, in capitals, are half of what whole words take in a code.
const bytewords = "ableacidalsoapexaquaarchatomauntawayaxisbackbaldbarnbeltbetabiasbluebodybragbrewbulbbuzzcalmcashcatschefcityclawcodecolacookcost" +
	"cruxcurlcuspcyandarkdatadaysdelidicedietdoordowndrawdropdrumdulldutyeacheasyechoedgeepicevenexamexiteyesfactfairfernfigsfilmfish" +
	"fizzflapflewfluxfoxyfreefrogfuelfundgalagamegeargemsgiftgirlglowgoodgraygrimgurugushgyrohalfhanghardhawkheathelphighhillholyhope" +
	"hornhutsicedideaidleinchinkyintoirisironitemjadejazzjoinjoltjowljudojugsjumpjunkjurykeepkenokeptkeyskickkilnkingkitekiwiknoblamb" +
	"lavalazyleaflegsliarlimplionlistlogoloudloveluaulucklungmainmanymathmazememomenumeowmildmintmissmonknailnavyneednewsnextnoonnote" +
	"numbobeyoboeomitonyxopenovalowlspaidpartpeckplayplus" +
	"poempoolposepuffpumapurrquadquizraceramprealredorichroadrockroofrubyruinruns" +
	"rustsafesagascarsetssilkskewslotsoapsolosongstubsurfswantacotasktaxitenttiedtimetinytoiltombtoystriptunatwinuglyundouniturgeuser" +
	"vastveryvetovialvibeviewvisavoidvowswallwandwarmwaspwavewaxywebswhatwhenwhizwolfworkyankyawnyellyogayurtzapszerozestzinczonezoom"

var byLetters = func() map[string]byte {
	m := map[string]byte{}
	for i := range 256 {
		m[letters(byte(i))] = byte(i)
	}
	return m
}()

func letters(b byte) string {
	word := bytewords[4*int(b):]
	return word[:1] + word[3:4]
}

// words writes bytes and their checksum in letters.
func words(data []byte) string {
	var out strings.Builder
	for _, b := range binary.BigEndian.AppendUint32(append([]byte{}, data...), crc32.ChecksumIEEE(data)) {
		out.WriteString(letters(b))
	}
	return out.String()
}

// unwords is the inverse of words. Five bytes are the least: one and its checksum of four.
func unwords(text string) ([]byte, error) {
	if len(text)%2 != 0 || len(text) < 10 {
		return nil, refuse("is not in letters of words")
	}
	data := make([]byte, 0, len(text)/2)
	for i := 0; i < len(text); i += 2 {
		b, known := byLetters[text[i:i+2]]
		if !known {
			return nil, refuse("has letters of no word")
		}
		data = append(data, b)
	}
	body, sum := data[:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return nil, refuse("has another checksum")
	}
	return body, nil
}

const urBytes = "ur:bytes/"

// maxFrame bounds a frame's text, and the size of a message with its head.
const maxFrame = MaxMessage + 16

// part is one frame of several (BCR-2020-005).
type part struct {
	_        struct{} `cbor:",toarray"`
	Sequence uint32
	Length   uint32 // of the sequence
	Size     uint32 // of the message
	Checksum uint32 // of the message
	Data     []byte
}

// MaxMessage bounds what frames carry, in bytes.
const MaxMessage = 1 << 20

// FrameError is what is wrong with a frame, or with what frames were to be made of.
type FrameError struct{ Rule string }

func (e *FrameError) Error() string { return "the frame " + e.Rule }

// BadInput says that the mistake is in what was given.
func (*FrameError) BadInput() {}

func refuse(rule string, args ...any) error { return &FrameError{fmt.Sprintf(rule, args...)} }

// decodeMode reads a part or a byte string: no array of more than five items, nothing nested.
var decodeMode, _ = cbor.DecOptions{MaxArrayElements: 16, MaxNestedLevels: 4,
	IndefLength: cbor.IndefLengthForbidden}.DecMode()

// Frames cuts a message into frames of an animated code (BCR-2020-005, "ur:bytes"), in capitals, which codes pack more
// densely; each holds at most so many bytes. One frame is enough for a short message. They are pure fragments: whoever
// shows them begins again after the last.
func Frames(message []byte, most int) ([]string, error) {
	if most < 10 || len(message) > MaxMessage {
		return nil, refuse("must hold 10 bytes and more, of a message of at most %d", MaxMessage)
	}
	message, err := cbor.Marshal(message)
	if err != nil {
		return nil, err
	}
	if len(message) <= most {
		return []string{strings.ToUpper(urBytes + words(message))}, nil
	}
	n := (len(message) + most - 1) / most
	size := (len(message) + n - 1) / n
	var frames []string
	for i := range n {
		data := make([]byte, size) // the last one is filled up with zeros
		copy(data, message[min(i*size, len(message)):min((i+1)*size, len(message))])
		raw, err := cbor.Marshal(part{Sequence: uint32(i + 1), Length: uint32(n), Size: uint32(len(message)),
			Checksum: crc32.ChecksumIEEE(message), Data: data})
		if err != nil {
			return nil, err
		}
		frames = append(frames, strings.ToUpper(fmt.Sprintf("%s%d-%d/%s", urBytes, i+1, n, words(raw))))
	}
	return frames, nil
}

// Is says whether a text is a frame, or begins with one.
func Is(text string) bool { return strings.HasPrefix(strings.ToLower(strings.TrimSpace(text)), "ur:") }

// Join puts the frames of a text together, which stand apart by white space, in any order; false if some are missing.
func Join(text string) (message []byte, whole bool, err error) {
	var joiner Joiner
	for _, frame := range strings.Fields(text) {
		if message, whole, err = joiner.Add(frame); err != nil || whole {
			return message, whole, err
		}
	}
	return nil, false, nil
}

// Joiner puts frames together, in any order, some of them twice. The zero Joiner is ready. It is used by one goroutine
// at a time. The first part says what the message is; one that says otherwise is refused and changes nothing.
type Joiner struct {
	first part
	parts map[uint32][]byte
}

// Add takes a frame and returns the message once it is whole. Frames come in any order, from the middle on and more
// than once, as a camera sees them. A frame says its place twice, in the text and in what it encodes, and both must be
// the same; its sizes are bounded before anything is kept for it.
func (j *Joiner) Add(frame string) (message []byte, whole bool, err error) {
	frame = strings.ToLower(strings.TrimSpace(frame))
	if !strings.HasPrefix(frame, urBytes) || len(frame) > maxFrame {
		return nil, false, refuse("does not begin with ur:bytes/")
	}
	place, body, several := strings.Cut(frame[len(urBytes):], "/")
	if !several {
		message, err := unwords(place)
		if err != nil {
			return nil, false, err
		}
		return openMessage(message)
	}
	raw, err := unwords(body)
	if err != nil {
		return nil, false, err
	}
	var p part
	if err := decodeMode.Unmarshal(raw, &p); err != nil {
		return nil, false, refuse("is no part of a message: %v", err)
	}
	if place != strconv.Itoa(int(p.Sequence))+"-"+strconv.Itoa(int(p.Length)) || p.Sequence < 1 || p.Length < 1 ||
		p.Length > 10_000 ||
		p.Size > maxFrame || len(p.Data) != int((p.Size+p.Length-1)/p.Length) {
		return nil, false, refuse("says another place or size than it has")
	}
	return j.put(p)
}

// put keeps a part. What it keeps is bounded: all parts have the size that follows from the first one's, and there are
// at most Length of them.
func (j *Joiner) put(p part) ([]byte, bool, error) {
	if j.parts == nil {
		j.first, j.parts = p, map[uint32][]byte{}
	}
	if p.Length != j.first.Length || p.Size != j.first.Size || p.Checksum != j.first.Checksum {
		return nil, false, refuse("is of another message")
	}
	if p.Sequence > p.Length {
		return nil, false, nil // a mixed part of a fountain: the pure ones come around again
	}
	j.parts[p.Sequence] = p.Data
	if len(j.parts) < int(p.Length) {
		return nil, false, nil
	}
	var message []byte
	for i := range p.Length {
		message = append(message, j.parts[i+1]...)
	}
	message = message[:p.Size]
	if crc32.ChecksumIEEE(message) != p.Checksum {
		return nil, false, refuse("the message has another checksum")
	}
	return openMessage(message)
}

func openMessage(message []byte) ([]byte, bool, error) {
	var content []byte
	if err := decodeMode.Unmarshal(message, &content); err != nil {
		return nil, false, refuse("is no message of bytes")
	}
	return content, true, nil
}
