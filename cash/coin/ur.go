package coin

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// bytewords are 256 words (BCR-2020-012). Frames use the first and last letter of each.
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

func unwords(text string) ([]byte, error) {
	if len(text)%2 != 0 || len(text) < 10 {
		return nil, badFormat("frame", "is not in letters of words")
	}
	data := make([]byte, 0, len(text)/2)
	for i := 0; i < len(text); i += 2 {
		b, known := byLetters[text[i:i+2]]
		if !known {
			return nil, badFormat("frame", "has letters of no word")
		}
		data = append(data, b)
	}
	body, sum := data[:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return nil, badFormat("frame", "has another checksum")
	}
	return body, nil
}

const urBytes = "ur:bytes/"

// part is one frame of several (BCR-2020-005).
type part struct {
	_        struct{} `cbor:",toarray"`
	Sequence uint32
	Length   uint32 // of the sequence
	Size     uint32 // of the message
	Checksum uint32 // of the message
	Data     []byte
}

// Frames cuts a text into frames of an animated code (NUT-16), in capitals; each holds at most so many bytes. One frame
// is enough for a short text. They are pure fragments: whoever shows them begins again after the last.
func Frames(text string, most int) ([]string, error) {
	message, err := cbor.Marshal([]byte(text))
	if err != nil {
		return nil, err
	}
	if most < 10 || len(text) > MaxTokenText {
		return nil, badFormat("frame", "must hold 10 bytes and more, of a text of at most %d", MaxTokenText)
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

// Joiner puts frames together, in any order, some of them twice. The zero Joiner is ready.
type Joiner struct {
	first part
	parts map[uint32][]byte
}

// Add takes a frame and returns the text once it is whole.
func (j *Joiner) Add(frame string) (text string, whole bool, err error) {
	frame = strings.ToLower(strings.TrimSpace(frame))
	if !strings.HasPrefix(frame, urBytes) || len(frame) > MaxTokenText {
		return "", false, badFormat("frame", "does not begin with ur:bytes/")
	}
	place, body, several := strings.Cut(frame[len(urBytes):], "/")
	if !several {
		message, err := unwords(place)
		if err != nil {
			return "", false, err
		}
		return openMessage(message)
	}
	raw, err := unwords(body)
	if err != nil {
		return "", false, err
	}
	var p part
	if err := decodeMode.Unmarshal(raw, &p); err != nil {
		return "", false, badFormat("frame", "is no part of a message: %v", err)
	}
	if place != strconv.Itoa(int(p.Sequence))+"-"+strconv.Itoa(int(p.Length)) || p.Sequence < 1 || p.Length < 1 ||
		p.Length > 10_000 ||
		p.Size > MaxTokenText || len(p.Data) != int((p.Size+p.Length-1)/p.Length) {
		return "", false, badFormat("frame", "says another place or size than it has")
	}
	return j.put(p)
}

func (j *Joiner) put(p part) (string, bool, error) {
	if j.parts == nil {
		j.first, j.parts = p, map[uint32][]byte{}
	}
	if p.Length != j.first.Length || p.Size != j.first.Size || p.Checksum != j.first.Checksum {
		return "", false, badFormat("frame", "is of another message")
	}
	if p.Sequence > p.Length {
		return "", false, nil // a mixed part of a fountain: the pure ones come around again
	}
	j.parts[p.Sequence] = p.Data
	if len(j.parts) < int(p.Length) {
		return "", false, nil
	}
	var message []byte
	for i := range p.Length {
		message = append(message, j.parts[i+1]...)
	}
	message = message[:p.Size]
	if crc32.ChecksumIEEE(message) != p.Checksum {
		return "", false, badFormat("frame", "the message has another checksum")
	}
	return openMessage(message)
}

func openMessage(message []byte) (string, bool, error) {
	var text []byte
	if err := decodeMode.Unmarshal(message, &text); err != nil {
		return "", false, badFormat("frame", "is no message of bytes")
	}
	return string(text), true, nil
}
