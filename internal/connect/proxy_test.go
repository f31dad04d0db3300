package connect_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/connect"
)

func TestParseProxy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]connect.Proxy{
		"none":                             {Scheme: "none"},
		"http://proxy.example.com":         {Scheme: "http", Address: "proxy.example.com:80"},
		"https://proxy.example.com/":       {Scheme: "https", Address: "proxy.example.com:443"},
		"socks5://proxy.example.com":       {Scheme: "socks5", Address: "proxy.example.com:1080"},
		"http://[2001:db8::1]:3128":        {Scheme: "http", Address: "[2001:db8::1]:3128"},
		"http://a%40b:hunter2%2F@proxy:31": {Scheme: "http", Address: "proxy:31", User: url.UserPassword("a@b", "hunter2/")},
		"socks5://u@proxy:31":              {Scheme: "socks5", Address: "proxy:31", User: url.User("u")},
	} {
		got, err := connect.ParseProxy(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, problem := range map[string]string{
		"":                                   "is not the URL of a proxy",
		"proxy.example.com:3128":             "is not the URL of a proxy",
		"svc:hunter2@proxy.example.com:3128": "is not the URL of a proxy",
		"http://svc:hunter2@proxy/path":      "is not the URL of a proxy",
		"http://svc:hunter2@proxy?q":         "is not the URL of a proxy",
		"http://svc:hunter2 @proxy":          "is not the URL of a proxy",
		"http://svc:hunter2@":                "is not the URL of a proxy",
		"None":                               "is not the URL of a proxy",
		"socks4://svc:hunter2@proxy":         `has the scheme "socks4"`,
		"socks5h://proxy":                    `has the scheme "socks5h"`,
		"http://svc:hunter2@proxy:0":         "has a port outside 1 to 65535",
		"http://svc:hunter2@proxy:65536":     "has a port outside 1 to 65535",
		"http://:hunter2@proxy":              "has a login without a user",
		"http://********@proxy":              "has the mask that sepwatch prints in place of user and password",
	} {
		_, err := connect.ParseProxy(text)
		require.EqualError(t, err, problem, text)
	}
}

func TestProxyShowsNoLogin(t *testing.T) {
	t.Parallel()
	p, err := connect.ParseProxy("http://somebody:hunter2@proxy:3128")
	require.NoError(t, err)
	require.Equal(t, "http://********@proxy:3128", p.String())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Equal(t, p.String(), fmt.Sprintf(verb, p), verb)
	}
	text, err := json.Marshal(map[string]any{"proxy": p})
	require.NoError(t, err)
	require.Equal(t, `{"proxy":"http://********@proxy:3128"}`, string(text))

	p.User = nil
	require.Equal(t, "http://proxy:3128", p.String())
	require.Equal(t, "none", connect.Proxy{Scheme: connect.None}.String())
	require.Empty(t, connect.Proxy{}.String())
}

func TestOrEnvironment(t *testing.T) {
	for _, tt := range []struct{ setting, environment, server, want, problem string }{
		{"", "", "https://sepm.example.com:8446", "", ""},
		{"", "http://u:hunter2@env:3128", "https://sepm.example.com:8446", "http://********@env:3128", ""},
		{"", "env:3128", "https://sepm.example.com", "http://env:3128", ""},
		{"", "socks5h://env", "https://sepm.example.com", "socks5://env:1080", ""},
		{"", "http://env:3128", "https://inside.example.net:8446", "", ""}, // NO_PROXY
		{"", "http://env:3128", "https://127.0.0.1:8446", "", ""},
		{"", "http://env:3128", "https://[::1]:8446", "", ""},
		{"", "http://env:3128", "https://localhost:8446", "", ""},
		{"", "http://env:3128", "http://127.0.0.1:8446", "", ""},
		{"none", "http://env:3128", "https://sepm.example.com", "none", ""},
		{"https://set:1", "http://env:3128", "https://sepm.example.com", "https://set:1", ""},
		{"https://set:1", "http://env:3128", "https://127.0.0.1", "https://set:1", ""},
		{"none", "http://:hunter2@env", "https://sepm.example.com", "none", ""},
		{"", "http://:hunter2@env", "https://sepm.example.com", "", "the environment's HTTPS_PROXY has a login without a user"},
	} {
		t.Run(tt.setting+" "+tt.environment+" "+tt.server, func(t *testing.T) {
			t.Setenv("HTTPS_PROXY", tt.environment)
			t.Setenv("NO_PROXY", ".example.net")
			var p connect.Proxy
			if tt.setting != "" {
				var err error
				p, err = connect.ParseProxy(tt.setting)
				require.NoError(t, err)
			}
			u, err := url.Parse(tt.server)
			require.NoError(t, err)
			p, err = p.OrEnvironment(u)
			if tt.problem != "" {
				require.ErrorContains(t, err, tt.problem)
				require.NotContains(t, err.Error(), "hunter2")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, p.String())
		})
	}
}
