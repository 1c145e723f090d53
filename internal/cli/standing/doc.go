// Package standing is what nouns of institutions share: how they are suspended, reinstated and given new keys, and how
// their standing is shown.
package standing
