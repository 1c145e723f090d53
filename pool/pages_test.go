package pool_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/pool"
)

// The pages say what the pool's figures say, in three languages, and nothing of a name is markup.
func TestPages(t *testing.T) {
	p := startOffered(t, testConfig())
	evil := alice + ".<script>alert(1)</script>"
	c := dial(t, p.address).login(evil)
	c.expect("share", c.find(evil, c.job(), 1, meets(c.difficulty)), 0)
	get := func(path, accept string) (string, int) {
		t.Helper()
		request := httptest.NewRequest("GET", path, nil)
		request.Header.Set("Accept-Language", accept)
		answer := httptest.NewRecorder()
		p.Handler().ServeHTTP(answer, request)
		return answer.Body.String(), answer.Code
	}
	for _, tc := range []struct{ path, accept, want string }{
		{"/", "", "Mining pool"}, {"/", "ru-RU,ru;q=0.9", "Майнинговый пул"}, {"/?lang=kk", "ru", "Майнинг пулы"}, {"/", "de", "Mining pool"},
		{"/user/" + alice, "en", "Owed for certain"}, {"/user/" + strings.ToUpper(alice), "kk", "Құрылғылар"}, {"/user/" + alice + "?lang=ru", "", "Причитается точно"},
	} {
		body, code := get(tc.path, tc.accept)
		if code != 200 || !strings.Contains(body, tc.want) || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
			t.Errorf("%s (%s): %d, want %q in\n%s", tc.path, tc.accept, code, tc.want, body)
		}
		if strings.Contains(body, "<script") {
			t.Errorf("%s: a worker's name became markup", tc.path)
		}
	}
	if body, code := get("/user/"+bob, "en"); code != 404 || !strings.Contains(body, "first valid share") {
		t.Errorf("a stranger's page: %d %s", code, body)
	}
	for language, words := range pool.PageWords() {
		for word := range pool.PageWords()["en"] {
			if words[word] == "" {
				t.Errorf("%s lacks %q", language, word)
			}
		}
	}
}
