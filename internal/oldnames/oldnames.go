package oldnames

// spelledThen is spelledNow the other way about. The two are read only.
var spelledThen = func() map[string]string {
	m := make(map[string]string, len(spelledNow))
	for then, now := range spelledNow {
		m[now] = then
	}
	return m
}()

// Read spells the keys of JSON as they are spelled today. What is not JSON comes back as it is, for the decoder to
// refuse.
func Read(text []byte) []byte { return respell(text, spelledNow) }

// Write spells the keys as they were before, for a hash that was taken over them.
func Write(text []byte) []byte { return respell(text, spelledThen) }

// respell replaces keys: strings that a colon follows. Nothing else of the text is touched, so that layout and digits
// stay.
func respell(text []byte, names map[string]string) []byte {
	out := make([]byte, 0, len(text)+len(text)/16)
	for i := 0; i < len(text); {
		if text[i] != '"' {
			out = append(out, text[i])
			i++
			continue
		}
		end := endOfString(text, i)
		token := text[i:end]
		if len(token) >= 2 && isKey(text[end:]) {
			if name, ok := names[string(token[1:len(token)-1])]; ok {
				out = append(append(append(out, '"'), name...), '"')
				i = end
				continue
			}
		}
		out = append(out, token...)
		i = end
	}
	return out
}

// endOfString is behind the quote that closes the string which opens at i, or the text's end.
func endOfString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// isKey says whether a colon follows a string, which in JSON it does behind keys alone.
func isKey(rest []byte) bool {
	for _, c := range rest {
		switch c {
		case ' ', '\t', '\n', '\r':
			continue
		}
		return c == ':'
	}
	return false
}
