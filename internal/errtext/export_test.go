package errtext

// PlainByAllForms is Plain that tries every form on every text.
func PlainByAllForms(text string) string {
	text = Redact(text)
	for i := range sayings {
		text = sayings[i].form.ReplaceAllString(text, sayings[i].says)
	}
	return kindIn.ReplaceAllStringFunc(text, func(kind string) string { return kindOf(kindIn.FindStringSubmatch(kind)[1]) })
}
