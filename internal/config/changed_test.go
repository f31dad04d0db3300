package config

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/connect"
)

func TestChanged(t *testing.T) {
	t.Parallel()
	load := func() Config {
		return Config{
			Mailboxes: []Mailbox{
				{Name: "soc", Password: "p", PasswordFile: "/a", CA: []byte("x"), Poll: time.Minute},
				{Name: "second"},
			},
			Alerts:    Alerts{From: []string{"a@example.com"}},
			SEPM:      []SEPM{{Name: "main", Password: "p"}},
			Resilient: Resilient{APIKeySecret: "s", APIKeySecretFile: "/s"},
		}
	}
	for name, tt := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"nothing":          {func(*Config) {}, nil},
		"one value":        {func(c *Config) { c.Resilient.Timeout = time.Second }, []string{"resilient.timeout"}},
		"a list of values": {func(c *Config) { c.Alerts.From = append(c.Alerts.From, "b@example.com") }, []string{"alerts.from"}},
		"an empty list":    {func(c *Config) { c.Alerts.From = nil }, []string{"alerts.from"}},
		"secret in a file": {func(c *Config) { c.Mailboxes[0].Password = "q" }, []string{"mailboxes[soc].password"}},
		"CA in a file":     {func(c *Config) { c.Mailboxes[0].CA = []byte("y") }, []string{"mailboxes[soc].ca_file"}},
		"same secret from elsewhere": {func(c *Config) {
			c.Mailboxes[0].PasswordFile, c.Resilient.APIKeySecretFile = "/b", ""
		}, nil},
		"order of a list": {func(c *Config) {
			c.Mailboxes[0], c.Mailboxes[1] = c.Mailboxes[1], c.Mailboxes[0]
		}, nil},
		"item added":       {func(c *Config) { c.Mailboxes = append(c.Mailboxes, Mailbox{Name: "third"}) }, []string{"mailboxes[third] added"}},
		"item removed":     {func(c *Config) { c.Mailboxes = c.Mailboxes[:1] }, []string{"mailboxes[second] removed"}},
		"last one removed": {func(c *Config) { c.SEPM = nil }, []string{"sepm[main] removed"}},
		"several": {func(c *Config) {
			c.Mailboxes[1].Name, c.Mailboxes[0].After.Move, c.Node = "other", "Done", "n1"
		}, []string{"mailboxes[soc].after.move", "mailboxes[other] added", "mailboxes[second] removed", "node"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := load()
			tt.change(&c)
			require.Equal(t, tt.want, Changed(load(), c))
		})
	}
}

// TestChangedSeesEverySetting changes each setting, also those to come, and
// asks whether that is seen.
func TestChangedSeesEverySetting(t *testing.T) {
	t.Parallel()
	var visit func(typ reflect.Type, path string, at func(*Config) reflect.Value)
	visit = func(typ reflect.Type, path string, at func(*Config) reflect.Value) {
		for _, s := range settings(typ) {
			path := join(path, s.name)
			field := func(c *Config) reflect.Value { return at(c).FieldByIndex(s.Index) }
			switch {
			case isFile(typ, s.StructField):
			case isObject(s.Type):
				visit(s.Type, path, field)
			case isList(s.Type) && isObject(s.Type.Elem()):
				visit(s.Type.Elem(), path+"[]", func(c *Config) reflect.Value { return field(c).Index(0) })
			default:
				was, is := full(), full()
				set(field(is))
				got := Changed(*was, *is)
				require.NotEmpty(t, got, path)
				require.True(t, strings.HasPrefix(got[0], strings.Split(path, "[")[0]), "%s: %v", path, got)
			}
		}
	}
	visit(reflect.TypeFor[Config](), "", func(c *Config) reflect.Value { return reflect.ValueOf(c).Elem() })
}

// full has one item in each list of groups.
func full() *Config {
	return &Config{Mailboxes: []Mailbox{{Name: "a"}}, SEPM: []SEPM{{Name: "a"}}, Whitelist: Whitelist{Only: make([]WhitelistOnly, 1)}}
}

// set gives a setting another value.
func set(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int, reflect.Int64, reflect.Uint16:
		v.Set(reflect.ValueOf(7).Convert(v.Type()))
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Map:
		v.Set(reflect.ValueOf(FieldValues{"site": {"x"}}))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Struct:
		v.Set(reflect.New(v.Type()).Elem())
		switch x := v.Addr().Interface().(type) {
		case *MailboxURL:
			x.Host = "changed.example.com"
		case *connect.Proxy:
			x.User = url.UserPassword("u", "changed")
		default:
			panic("no way to change a " + v.Type().String())
		}
	default:
		panic("no way to change a " + v.Type().String())
	}
}
