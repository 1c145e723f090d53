// Package words is what people are told: one catalogue of texts a language, as JSON files beside the code
// (en.json, kk.json, ru.json), which Go reads here; a browser reads of them what refusals mean.
//
// A text may hold {names} that are filled in. A text that depends on a number is an object with one text a plural
// category of CLDR (one, few, many, other), chosen by golang.org/x/text here and by Intl.PluralRules in a browser.
// money.json says of each refusal's code whether money moved; it is the same in all languages.
//
// The package imports nothing of this module. Its tests read every code from the sources, and fail on one without
// words, on words without a code, on names that differ between languages, and on a text that is equal in two.
package words
