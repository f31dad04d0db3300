package sepclient_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// secondDomain is another than the stand-in's own.
var secondDomain = sepm.Domain{ID: id("D"), Name: "Second"}

func twoDomains(o *sepm.Options) {
	o.Domains = []sepm.Domain{{ID: sepm.DefaultDomainID, Name: "Default"}, secondDomain}
}

// The contract does not say how SEPM reads a login (A6, D6.1): with the option
// that fits it gets in, and with the other it is refused after one attempt.
func TestStandInReadsCredentials(t *testing.T) {
	t.Parallel()
	const username, password = "a+d min", `50%41 + "ü\&`
	for form, lets := range map[sepm.Credentials][2]bool{ // raw, escaped
		sepm.EitherForm: {true, true}, sepm.AsSent: {true, false}, sepm.PercentForm: {false, true},
	} {
		inEach(t, map[string]variant{"require domain": func(o *sepm.Options) { o.RequireDomain = true }}, func(t *testing.T, o sepm.Options) {
			o.Username, o.Password, o.Credentials = username, password, form
			for i, escape := range []bool{false, true} {
				b := standIn(t, o, func(so *sepclient.Options) {
					so.Username, so.Password, so.EscapeCredentials = username, password, escape
				})
				user, err := b.client.CurrentUser(t.Context())
				if !lets[i] {
					require.True(t, sepclient.LoginRefused(err), "%v", err)
					require.Equal(t, 1, b.sepm.Requests())
					continue
				}
				require.NoError(t, err)
				require.Equal(t, username, user.Name)
				require.Equal(t, 1, b.sepm.Logins())
			}
		})
	}
}

// A login sees one domain (A7): the one that it names, or the account's own.
func TestStandInKnowsTheLogin(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{"require domain": func(o *sepm.Options) { o.RequireDomain = true }}, func(t *testing.T, o sepm.Options) {
		twoDomains(&o)
		o.Computers = sepm.Fleet(1, 30)
		o.Computers[0].Domain = secondDomain
		version := map[sepm.Release]sepclient.Version{
			sepm.V142: {Product: "14.2.1031.0100", API: "1.0.0", Sequence: "181118008"},
			sepm.V143: {Product: "14.3.25029.9000", API: "14.3.9000", Sequence: "240604011"},
		}[o.Release]
		for name, want := range map[string]sepm.Domain{"": o.Domains[0], "default": o.Domains[0], "Second": secondDomain} {
			b := standIn(t, o, func(so *sepclient.Options) { so.Domain = name })
			user, err := b.client.CurrentUser(t.Context())
			require.NoError(t, err)
			require.Equal(t, sepclient.User{
				Name: "admin", FullName: "admin", Domain: sepclient.Domain(want),
				Role:   sepclient.Role{Kind: sepclient.SystemAdministrator, Title: "sysadmin"},
				Rights: &sepclient.Rights{Reporting: true, Groups: true, Sites: true, RemoteCommands: true, Policies: true},
			}, user)
			found, err := b.client.Probe(t.Context())
			require.NoError(t, err)
			computers := 0
			for _, c := range b.sepm.Computers() {
				if c.Domain == want {
					computers++
				}
			}
			require.Equal(t, sepclient.Found{
				Version: version, Domain: want.Name, Domains: []string{"Default", "Second"},
				Role: "system administrator", Rights: user.Rights, Computers: int64(computers),
			}, found)
			require.Equal(t, o.Release == sepm.V143, found.MayHave(sepclient.ComputerFilters))

			domains, err := b.client.Domains(t.Context())
			require.NoError(t, err)
			require.Len(t, domains, len(o.Domains))
			for i, d := range domains {
				require.Equal(t, sepclient.Domain(o.Domains[i]), d.Domain)
				require.True(t, d.Enabled)
				require.Equal(t, 1, d.Administrators)
				require.Equal(t, int64(1723541216000), d.Created.UnixMilli())
			}
			require.Equal(t, 1, b.sepm.Logins())
			require.NoError(t, b.client.Close(t.Context()))
			require.Zero(t, b.sepm.Sessions(), "logged out")
			_, err = b.client.Domains(t.Context())
			require.NoError(t, err, "and in again")
			require.Equal(t, 1, b.sepm.Sessions())
		}
		b := standIn(t, o, func(so *sepclient.Options) { so.Domain = "Third" })
		_, err := b.client.Probe(t.Context())
		require.True(t, sepclient.LoginRefused(err))
		require.ErrorContains(t, err, `domain "Third"`)
		require.Equal(t, 1, b.sepm.Calls()["POST /identity/authenticate"])
	})
}

// A token lives for as many seconds as SEPM says, and is replaced before.
func TestStandInEndsTokens(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"in half an hour": func(o *sepm.Options) { o.TokenLife = 30 * time.Minute },
		"in ten seconds":  func(o *sepm.Options) { o.TokenLife = 10 * time.Second },
	}, func(t *testing.T, o sepm.Options) {
		b := standIn(t, o)
		life := o.TokenLife
		if life == 0 {
			life = 12 * time.Hour
		}
		for step := range 40 {
			_, err := b.client.Domains(t.Context())
			require.NoError(t, err)
			require.Equal(t, step+1, b.sepm.Calls()["GET /domains"], "none was refused")
			b.clock.advance(life / 10)
		}
		require.LessOrEqual(t, b.sepm.Logins(), 5, "in four lives of a token")
	})
}
