package scenario

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/txlog"
)

// What the step proves is what was found; where nothing could be played it is not shown as played.
func TestAValidatorIsUnplugged(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	w := &Stage{DataDir: t.TempDir(), Out: &out}
	record, err := OpenRecord(w.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	w.Validators = nil
	if played, err := Play(t.Context(), w, validatorSteps(), record); err == nil || played != 0 {
		t.Errorf("without processes: %d, %v", played, err)
	}
	w.Validators = func(context.Context, func(string, ...any)) (Unplugged, error) {
		return Unplugged{}, io.ErrUnexpectedEOF
	}
	if _, err := Play(t.Context(), w, validatorSteps(), record); !errors.Is(err, io.ErrUnexpectedEOF) ||
		record.Done["validator-unplugged"] {
		t.Errorf("where salaries are missing: %v", err)
	}
	w.Validators = func(_ context.Context, say func(string, ...any)) (Unplugged, error) {
		say("validators-say-2", "validator", "tulpar", "paid", 5, "all", 12)
		return Unplugged{Validator: "tulpar", Paid: 12, PauseSeconds: 1.25, CatchUpSeconds: 3, Entries: 55,
			Root: txlog.Hash{0xab}}, nil
	}
	if played, err := Play(t.Context(), w, validatorSteps(), record); err != nil || played != 1 {
		t.Errorf("%d, %v", played, err)
	}
	for _, want := range []string{"tulpar's validator is unplugged after 5 of 12", "12 salaries are paid", "after tulpar was killed",
		"within 1.2 s",
		"have 55 entries and the root ab"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not said: %s", want, out.String())
		}
	}
}
