package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
		code := asked.Value.String()
		// A command may write a document in several languages: who is at it is spoken to in the first of them.
		if several, is := asked.Value.(pflag.SliceValue); is {
			if len(several.GetSlice()) == 0 { // which the command refuses itself
				return words.FromEnvironment(os.Getenv), nil
			}
			code = several.GetSlice()[0]
		}
		l, known := words.Parse(code)
		if !known {
			return words.Languages[0], UsageError{fmt.Errorf("--lang: %q is not one of en, kk, ru", asked.Value)}
		}
		return l, nil
	}
	return words.FromEnvironment(os.Getenv), nil
}
