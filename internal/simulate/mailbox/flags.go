package mailbox

import "github.com/spf13/pflag"

// Define adds a flag for each option that is not about where and how to
// listen, and sets the defaults.
func (o *Options) Define(fs *pflag.FlagSet) {
	fs.StringVar(&o.Username, "username", Username, "the account's user name")
	fs.StringVar(&o.Password, "password", Password, "the account's password")
	fs.BoolVar(&o.StartTLS, "starttls", false, "offer STARTTLS on a plain port, and let nobody log in before")
	fs.BoolVar(&o.NoIdle, "no-idle", false, "do without IDLE")
	fs.BoolVar(&o.NoMove, "no-move", false, "do without MOVE")
	fs.BoolVar(&o.NoUIDPlus, "no-uidplus", false, "do without UIDPLUS")
	fs.Uint64Var(&o.Seed, "seed", 1, "another number makes other faults strike")
}
