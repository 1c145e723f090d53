package errtext

import "unicode"

// Deceives says whether a character hides, turns the order of others around or is obeyed by terminals: in the name that
// somebody gives himself it makes people read what does not stand there (Unicode TR36, section 3.1).
func Deceives(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029':
		return true
	case r == '\u200c', r == '\u200d': // joiners, which some scripts write with
		return false
	}
	return unicode.Is(unicode.Cf, r)
}
