package market

// panelForm is the form of a file of names and amounts that no known source writes: its first column of times, where
// it has one, every column of names, and every other column as an amount. Only a list of holders is known without
// times, so one that has them is read as a panel. known is returned where the file is no such thing, or where its user
// declared what its columns are.
func (g *grid) panelForm(known *form, options ReadOptions) *form {
	// What is known, or named by the reader, is not guessed anew; a list of holders is the one form that a panel looks
	// like.
	if known != nil && known.name != "holders" || len(options.Columns) > 0 || options.TimeColumn != "" {
		return known
	}
	at := g.findTime()
	if known != nil && at < 0 {
		return known
	}
	out := &form{name: "panel"}
	if at >= 0 {
		out.time, out.needs = []string{normal(g.headers[at])}, []string{g.headers[at]}
	}
	for column, header := range g.headers {
		switch {
		case column == at || normal(header) == "" || g.counts(column):
		case g.holdsNumbers(column):
			f := field{normal(header), normal(header), "undeclared"}
			if f.name == "blocks" {
				f.unit = "count"
			}
			out.numbers, out.needs = append(out.numbers, f), append(out.needs, header)
		default:
			out.texts, out.needs = append(out.texts, field{normal(header), normal(header), ""}),
				append(out.needs, header)
		}
	}
	if len(out.texts) == 0 || len(out.numbers) == 0 {
		return known
	}
	return out
}
