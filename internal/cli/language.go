package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/words"
)

// LanguageFor is LanguageOf where a wrong --lang has been refused before.
func LanguageFor(command *cobra.Command) words.Language {
	l, _ := LanguageOf(command)
	return l
}

// LanguageOf is the language in which somebody at a command is spoken to: --lang, else the system's.
func LanguageOf(command *cobra.Command) (words.Language, error) {
	if asked := command.Flags().Lookup("lang"); asked != nil && asked.Changed {
		l, known := words.Parse(asked.Value.String())
		if !known {
			return words.Languages[0], UsageError{fmt.Errorf("--lang: %q is not one of en, kk, ru", asked.Value)}
		}
		return l, nil
	}
	return words.FromEnvironment(os.Getenv), nil
}
