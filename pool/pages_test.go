package pool_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/pool/web"
)

// The pages say what the pool's figures say, in three languages, and nothing of a name is markup.
func TestPages(t *testing.T) {
	p := startOffered(t, testConfig())
	evil := alice + ".<script>alert(1)</script>"
	c := dial(t, p.address).login(evil)
	c.expect("share", c.find(evil, c.job(), 1, meets(c.difficulty)), 0)
	get := func(path, accept string) (string, int) {
		t.Helper()
		request := httptest.NewRequest(http.MethodGet, path, nil)
		request.Header.Set("Accept-Language", accept)
		answer := httptest.NewRecorder()
		web.Handler(p.Pool).ServeHTTP(answer, request)
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
}

// Both pages print how anybody checks what they say: the address under which the reader has reached the pool, which serves
// the log, and the pool's scheme.
func TestPagesSayHowToCheckThem(t *testing.T) {
	config := testConfig()
	p := startOffered(t, config)
	c := dial(t, p.address).login(alice)
	c.expect("share", c.find(alice, c.job(), 1, meets(c.difficulty)), 0)
	server := httptest.NewServer(web.Handler(p.Pool))
	defer server.Close()
	get := func(url, proto string) (body string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Forwarded-Proto", proto)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		all, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v", url, response.StatusCode, err)
		}
		return string(all)
	}
	printed := regexp.MustCompile(`aqsha pool fetch (\S+) --data copy\naqsha pool recompute --data copy --scheme (\S+) --verify`)
	for _, path := range []string{"/", "/user/" + alice} {
		found := printed.FindStringSubmatch(get(server.URL+path, ""))
		if found == nil || found[2] != config.Scheme {
			t.Fatalf("%s prints %q", path, found)
		}
		if found = printed.FindStringSubmatch(get(server.URL+path, "https")); found == nil || !strings.HasPrefix(found[1], "https://") {
			t.Errorf("behind a proxy that ends TLS %s prints %q", path, found)
		}
		entries := get(strings.Replace(found[1], "https://", "http://", 1)+"/log/tile/entries/000.p/1", "")
		if entries == "" {
			t.Errorf("no log at %s", found[1])
		}
	}
}
