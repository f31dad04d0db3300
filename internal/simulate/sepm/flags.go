package sepm

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sepwatch/sepwatch/internal/simulate/flags"
)

// FleetFlags describe a fleet on a command line.
type FleetFlags struct {
	Computers int
	Seed      int64
	// StaleOneIn, if not 0, gives one in so many a stale record: see [Stale].
	StaleOneIn int
}

// Define adds the flags.
func (f *FleetFlags) Define(fs *pflag.FlagSet) {
	f.Computers, f.Seed = 200, 1
	flags.Int(fs, &f.Computers, "computers", 0, 1_000_000, "how many computers there are")
	flags.Int(fs, &f.StaleOneIn, "stale-one-in", 0, 1_000_000, "one in so many computers has a stale record too; 0 is none")
	fs.Int64Var(&f.Seed, "seed", f.Seed, "another number makes other computers, and other faults strike")
}

// Fleet makes the fleet; stale records are behind the others.
func (f *FleetFlags) Fleet() []Computer {
	fleet := Fleet(f.Seed, f.Computers)
	if f.StaleOneIn > 0 {
		fleet = append(fleet, Stale(fleet, f.StaleOneIn)...)
	}
	return fleet
}

// Define adds a flag for each option, and sets the defaults.
func (o *Options) Define(fs *pflag.FlagSet) {
	o.setDefaults()
	fs.StringVar(&o.Username, "username", o.Username, "the account's user name")
	fs.StringVar(&o.Password, "password", o.Password, "the account's password")
	flags.Choice(fs, &o.Release, "release", "the generation of SEPM",
		flags.Word[Release]{Text: "14.2", Value: V142}, flags.Word[Release]{Text: "14.3", Value: V143})

	fs.DurationVar(&o.TokenLife, "token-life", o.TokenLife, "how long a login lasts")
	flags.Choice(fs, &o.RefreshForm, "refresh-form", "the answer to a refresh grant",
		flags.Word[RefreshForm]{Text: "sepm", Value: SEPMForm}, flags.Word[RefreshForm]{Text: "oauth", Value: OAuthForm})
	fs.BoolVar(&o.RequireDomain, "require-domain", false, "refuse a login that names no domain")
	flags.Choice(fs, &o.Credentials, "credentials", "how a login's user name and password are read",
		flags.Word[Credentials]{Text: "either", Value: EitherForm}, flags.Word[Credentials]{Text: "as-sent", Value: AsSent},
		flags.Word[Credentials]{Text: "percent", Value: PercentForm})
	flags.Choice(fs, &o.AuthError, "auth-error", "the body of a 401 for a token that does not count",
		flags.Word[AuthError]{Text: "spring", Value: SpringBody}, flags.Word[AuthError]{Text: "common", Value: CommonBody},
		flags.Word[AuthError]{Text: "empty", Value: EmptyBody})
	fs.BoolVar(&o.NoRights, "no-rights", false, "the account has no rights: 401 to all that asks for an administrator")
	fs.BoolVar(&o.AllDomains, "all-domains", false, "lists without a domain are of every one, not of the login's")
	fs.BoolVar(&o.DomainByName, "domain-by-name", false, "a domain's name is taken where its id is meant")

	fs.BoolVar(&o.ExactNames, "exact-names", false, "a computer's name without * does not match longer names")
	fs.BoolVar(&o.UnknownComputer404, "unknown-computer-404", false, "404 to an unknown computer's id, not an empty page")
	fs.BoolVar(&o.VerboseFull, "verbose-full", false, "verbose=true is all of a computer and false a reduced set, not the other way round")
	fs.BoolVar(&o.PastEnd400, "past-end-400", false, "400 to a page past the last, not an empty page")
	flags.Int(fs, &o.MaxPageSize, "max-page-size", 0, 1_000_000, "give no page longer than this; 0 is no limit")
	flags.Choice(fs, &o.MoveStatus, "move-status", "the status of a move; mixed is 207 only where one could not be moved",
		flags.Word[MoveStatus]{Text: "207", Value: MoveMulti}, flags.Word[MoveStatus]{Text: "200", Value: MoveOK}, flags.Word[MoveStatus]{Text: "mixed", Value: MoveMixed})
	fs.BoolVar(&o.MoveHangs, "move-hangs", false, "a move of a hardware key that several computers have is never answered")

	flags.Choice(fs, &o.GroupPaths, "group-paths", "which groups a path finds: those that begin with it, the one in any case, or in this case",
		flags.Word[GroupPaths]{Text: "prefix", Value: PathPrefix}, flags.Word[GroupPaths]{Text: "exact", Value: PathExact}, flags.Word[GroupPaths]{Text: "cased", Value: PathCased})
	flags.Choice(fs, &o.Lockdown, "lockdown", "whether groups take a fingerprint list: yes, 422, or 423",
		flags.Word[Lockdown]{Text: "on", Value: LockdownOn}, flags.Word[Lockdown]{Text: "off", Value: LockdownOff}, flags.Word[Lockdown]{Text: "locked", Value: LockdownLocked})
	fs.BoolVar(&o.NoV2, "no-v2", false, "there is no second version of fingerprint lists")
	flags.Int(fs, &o.TryV2Status, "try-v2-status", 400, 599, "the status of \"please try V2!\"")
	fs.BoolVar(&o.EmptyLists, "empty-lists", false, "a fingerprint list may have no hashes")
	fs.DurationVar(&o.DeleteLag, "delete-lag", o.DeleteLag, "how long a deleted fingerprint list can still be read")

	fs.DurationVar(&o.ListedAfter, "listed-after", o.ListedAfter, "how long a new command's status is empty")
	fs.DurationVar(&o.ReceivedAfter, "received-after", o.ReceivedAfter, "when, since a command was made, clients have received it")
	fs.DurationVar(&o.StartedAfter, "started-after", o.StartedAfter, "when they work on it")
	fs.DurationVar(&o.CompletedAfter, "completed-after", o.CompletedAfter, "when they are through")
	fs.Func("outcome", "clients end commands in `STATE[/SUBSTATE]`, such as 4/131 (default 3)", o.Outcome.set)
	flags.Choice(fs, &o.EOCResult, "eoc-result", "the result of an EOC scan; cut ends in the middle",
		flags.Word[EOCResult]{Text: "whole", Value: EOCWhole}, flags.Word[EOCResult]{Text: "empty", Value: EOCEmpty},
		flags.Word[EOCResult]{Text: "null", Value: EOCNull}, flags.Word[EOCResult]{Text: "cut", Value: EOCCut})
	fs.BoolVar(&o.EOCPassedOn, "eoc-passed-on", false, "an EOC document that is none is passed on, not refused")
	flags.Choice(fs, &o.PartialMatch, "partial-match", "what a partial match is: the name at another place, the path with another hash, or nothing",
		flags.Word[PartialMatch]{Text: "place", Value: PartialPlace}, flags.Word[PartialMatch]{Text: "hash", Value: PartialHash},
		flags.Word[PartialMatch]{Text: "never", Value: PartialNever})
	fs.StringVar(&o.QuarantineText, "quarantine-text", o.QuarantineText, "what SEPM says of a client in quarantine")
	fs.BoolVar(&o.MergeHardware, "merge-hardware", false, "hardware_ids go with computer_ids, not into a command of their own")
	fs.BoolVar(&o.UnknownTarget404, "unknown-target-404", false, "404 to a command for an unknown computer or group, which is left out otherwise")
	flags.Choice(fs, &o.UnknownCommand, "unknown-command", "the answer for an unknown command",
		flags.Word[UnknownCommand]{Text: "empty", Value: UnknownEmpty}, flags.Word[UnknownCommand]{Text: "404", Value: Unknown404},
		flags.Word[UnknownCommand]{Text: "410", Value: Unknown410})
	fs.BoolVar(&o.ChecksumOfFile, "checksum-of-file", false, "a file's details tell of the file, not of the ZIP that is kept of it")
	fs.BoolVar(&o.PlainContent, "plain-content", false, "an uploaded file comes as it was, not as a ZIP")

	flags.Int(fs, &o.Throttle, "throttle", 0, 1_000_000, "answer so many requests a minute before 429; 0 is no limit")
	fs.BoolVar(&o.HTMLErrors, "html-errors", false, "every error is an HTML page")
	fs.BoolVar(&o.CloseAfterPost, "close-after-post", false, "close the connection after each POST")
}

// set reads an outcome as it is written on a command line.
func (o *Outcome) set(text string) error {
	state, sub, _ := strings.Cut(text, "/")
	var err error
	if o.State, err = strconv.Atoi(state); err != nil || o.State < stateCompleted || o.State > stateError {
		return errors.New("want a state from 3 to 6 and perhaps a substate, such as 4/131")
	}
	if sub == "" {
		return nil
	}
	if o.SubState, err = strconv.Atoi(sub); err != nil {
		return errors.New("want a number for a substate, such as 4/131")
	}
	return nil
}
