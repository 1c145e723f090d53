package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Tab is a page that is used, in a profile of its own. One goroutine uses it.
type Tab struct {
	browser *Browser
	profile string
	session string
}

// watching keeps the longest task of a page (W3C Long Tasks: those over 50 ms), from its beginning, and the heading
// that stood there when it had ended.
const watching = `globalThis.longestTask = { millis: 0, heading: "" }; new PerformanceObserver((list) => {
	for (const e of list.getEntries()) if (e.duration > longestTask.millis)
		longestTask = { millis: e.duration, heading: document.querySelector("h1")?.textContent ?? "" }
}).observe({ type: "longtask", buffered: true })`

// useWait bounds what one script in a tab may take.
const useWait = 30 * time.Second

// Open visits an address to use the page there, in a browser whose language is English, and watches its tasks.
func (b *Browser) Open(ctx context.Context, address string, v Visit) (*Tab, error) {
	t := &Tab{browser: b}
	var err error
	if t.profile, t.session, err = b.tab(ctx, v); err != nil {
		return nil, err
	}
	for _, step := range []struct {
		method string
		params object
	}{
		{"Page.enable", nil},
		{"Emulation.setLocaleOverride", object{"locale": "en-US"}},
		{"Network.setExtraHTTPHeaders", object{"headers": object{"Accept-Language": "en-US"}}},
		{"Page.addScriptToEvaluateOnNewDocument", object{"source": watching}},
		{"Page.navigate", object{"url": address}},
	} {
		if _, err := b.command(ctx, t.session, step.method, step.params); err != nil {
			t.Close(ctx)
			return nil, err
		}
	}
	return t, nil
}

// Close closes the page and forgets its profile.
func (t *Tab) Close(ctx context.Context) { t.browser.leave(ctx, t.profile) }

// Run runs the body of an asynchronous function in the page; arguments is JSON that it knows as a. What it returns is
// read into out, where that is not nil.
func (t *Tab) Run(ctx context.Context, body string, arguments, out any) error {
	ctx, cancel := context.WithTimeout(ctx, useWait)
	defer cancel()
	a, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	answer, err := t.browser.command(ctx, t.session, "Runtime.evaluate", object{
		"expression":   fmt.Sprintf("(async (a) => JSON.stringify(await (async () => {%s})()) ?? null)(%s)", body, a),
		"awaitPromise": true, "returnByValue": true})
	if err != nil {
		return err
	}
	if thrown, ok := answer["exceptionDetails"].(map[string]any); ok {
		said, _ := thrown["exception"].(map[string]any)
		return fmt.Errorf("the page: %v", said["description"])
	}
	result, _ := answer["result"].(map[string]any)
	text, _ := result["value"].(string)
	if out == nil {
		return nil
	}
	if text == "" {
		return fmt.Errorf("the page answers nothing")
	}
	return json.Unmarshal([]byte(text), out)
}

// Task is one that kept a page from answering.
type Task struct {
	Millis  float64 `json:"millis"`
	Heading string  `json:"heading"` // of the page after it
}

// LongestTask is the longest of the page's tasks so far that kept it from answering for more than 50 ms; zero for none.
func (t *Tab) LongestTask(ctx context.Context) (task Task, err error) {
	// what an observer has not been handed yet comes with the next task
	err = t.Run(ctx, `await new Promise((r) => setTimeout(r, 100)); return longestTask`, nil, &task)
	return task, err
}
