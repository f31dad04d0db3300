package sepm

import (
	"github.com/spf13/pflag"

	"github.com/sepwatch/sepwatch/internal/simulate/flags"
)

// FleetFlags describe a fleet on a command line.
type FleetFlags struct {
	Computers int
	Seed      int64
}

// Define adds the flags.
func (f *FleetFlags) Define(fs *pflag.FlagSet) {
	f.Computers, f.Seed = 200, 1
	flags.Int(fs, &f.Computers, "computers", 0, 1_000_000, "how many computers there are")
	fs.Int64Var(&f.Seed, "seed", f.Seed, "another number makes other computers, and other faults strike")
}

// Fleet makes the fleet.
func (f *FleetFlags) Fleet() []Computer { return Fleet(f.Seed, f.Computers) }

// Define adds a flag for each option, and sets the defaults.
func (o *Options) Define(fs *pflag.FlagSet) {
	o.setDefaults()
	fs.StringVar(&o.Username, "username", o.Username, "the account's user name")
	fs.StringVar(&o.Password, "password", o.Password, "the account's password")
	flags.Choice(fs, &o.Release, "release", "the generation of SEPM",
		flags.Word[Release]{Text: "14.2", Value: V142}, flags.Word[Release]{Text: "14.3", Value: V143})

	fs.DurationVar(&o.TokenLife, "token-life", o.TokenLife, "how long a login lasts")
	fs.BoolVar(&o.RequireDomain, "require-domain", false, "refuse a login that names no domain")
	flags.Choice(fs, &o.Credentials, "credentials", "how a login's user name and password are read",
		flags.Word[Credentials]{Text: "either", Value: EitherForm}, flags.Word[Credentials]{Text: "as-sent", Value: AsSent},
		flags.Word[Credentials]{Text: "percent", Value: PercentForm})
	flags.Choice(fs, &o.AuthError, "auth-error", "the body of a 401 for a token that does not count",
		flags.Word[AuthError]{Text: "spring", Value: SpringBody}, flags.Word[AuthError]{Text: "common", Value: CommonBody},
		flags.Word[AuthError]{Text: "empty", Value: EmptyBody})
	fs.BoolVar(&o.NoRights, "no-rights", false, "the account has no rights: 401 to all that asks for an administrator")

	fs.BoolVar(&o.ExactNames, "exact-names", false, "a computer's name without * does not match longer names")
	fs.BoolVar(&o.DomainByName, "domain-by-name", false, "a domain's name is taken where its id is meant")
	fs.BoolVar(&o.UnknownComputer404, "unknown-computer-404", false, "404 to an unknown computer's id, not an empty page")
	fs.BoolVar(&o.PastEnd400, "past-end-400", false, "400 to a page past the last, not an empty page")
	flags.Int(fs, &o.MaxPageSize, "max-page-size", 0, 1_000_000, "give no page longer than this; 0 is no limit")

	flags.Int(fs, &o.Throttle, "throttle", 0, 1_000_000, "answer so many requests a minute before 429; 0 is no limit")
	fs.BoolVar(&o.HTMLErrors, "html-errors", false, "every error is an HTML page")
	fs.BoolVar(&o.CloseAfterPost, "close-after-post", false, "close the connection after each POST")
}
