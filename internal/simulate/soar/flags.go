package soar

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sepwatch/sepwatch/internal/simulate/flags"
)

// Define adds a flag for each option, and sets the defaults: those of the
// zero value, but with the field sepwatch_key, as in the demo.
func (o *Options) Define(fs *pflag.FlagSet) {
	o.setDefaults()
	fs.Func("server-version", "the `VERSION` that the server is, and answers as (default "+o.ServerVersion+")", func(text string) error {
		if !ValidVersion(text) {
			return errors.New("want a version such as 46.2.8131 or, from 51 on, 51.0.9.0.20848")
		}
		o.ServerVersion = text
		return nil
	})
	fs.Func("resource-prefix", "serve under this `PATH`, such as /api/respond", func(text string) error {
		if !regexp.MustCompile(`^(/[A-Za-z0-9._-]+)+$`).MatchString(text) {
			return errors.New("want a path such as /api/respond")
		}
		o.ResourcePrefix = text
		return nil
	})
	fs.StringVar(&o.KeyID, "key-id", o.KeyID, "the API key's id")
	fs.StringVar(&o.KeySecret, "key-secret", o.KeySecret, "the API key's secret")
	fs.BoolVar(&o.NullKeyHandle, "null-key-handle", false, "a session names no API key handle and no permissions")
	fs.StringVar(&o.Email, "email", o.Email, "the user's e-mail address, of the legacy login")
	fs.StringVar(&o.Password, "password", o.Password, "the user's password, of the legacy login")
	fs.DurationVar(&o.SessionTimeout, "session-timeout", o.SessionTimeout, "how long an idle session of the legacy login lasts")
	flags.Int(fs, &o.BanAfter, "ban-after", 0, 1_000_000, "401 to everything after so many wrong logins in a row; 0 is never")
	fs.DurationVar(&o.ClockOffset, "clock-offset", 0, "how far the server's clock is ahead")

	org := &o.Orgs[0]
	fs.StringVar(&org.Name, "org", org.Name, "the organization's name")
	fs.BoolVar(&org.Disabled, "org-disabled", false, "the organization is not enabled for this address")
	fs.BoolVar(&org.KeepIncidents, "keep-incidents", false, "incidents cannot be deleted")
	fs.BoolVar(&org.NoAttachments, "no-attachments", false, "the organization allows no attachments")

	fs.BoolVar(&o.KeyField, "key-field", true, "the text field sepwatch_key is installed; --key-field=false takes it away")
	fs.Func("required-field", "one more text field, `NAME`, that an incident must have; may be repeated", o.addField("always"))
	fs.Func("close-field", "one more text field, `NAME`, that an incident must have to be closed; may be repeated", o.addField("close"))
	fs.BoolVar(&o.NoTables, "no-tables", false, "the data tables of fn_sep are not installed")
	fs.BoolVar(&o.OldValueIDs, "old-value-ids", false, "severities and resolutions are numbered as in older organizations")
	fs.Func("deny", "403 to an `OPERATION` such as \"POST /incidents\", or to all that a grant allows, such as edit_notes; may be repeated", func(name string) error {
		if known := slices.Concat(Operations(), Grants()); !slices.Contains(known, name) {
			return fmt.Errorf("want one of %s", strings.Join(known, ", "))
		}
		o.Deny = append(o.Deny, name)
		return nil
	})
	flags.Int(fs, &o.FieldFailures, "field-failures", 0, 1_000_000, "answer so many PATCHes as if somebody had just changed the same fields")

	flags.Choice(fs, &o.Duplicates, "duplicates", "what a second artifact of one type and value gets: the existing one, a refusal, a place of its own, or the existing one with the new description",
		flags.Word[Duplicates]{Text: "existing", Value: ReturnExisting}, flags.Word[Duplicates]{Text: "refuse", Value: RefuseDuplicate},
		flags.Word[Duplicates]{Text: "keep", Value: KeepDuplicate}, flags.Word[Duplicates]{Text: "replace", Value: ReplaceDescription})
	fs.BoolVar(&o.FoldDuplicates, "fold-duplicates", false, "artifacts are compared without regard to case")
	flags.Int(fs, &o.MaxArtifacts, "max-artifacts", 0, 1_000_000, "how many artifacts an incident holds before 400; 0 is no limit")
	fs.Func("no-artifact-type", "the server lacks the artifact type `NAME`; may be repeated", func(name string) error {
		if !slices.ContainsFunc(newArtifactTypes(&Options{ServerVersion: o.ServerVersion}), func(t *artifactType) bool { return t.Name == name }) {
			return errors.New("want a type such as \"File Path\"")
		}
		o.NoArtifactTypes = append(o.NoArtifactTypes, name)
		return nil
	})
	fs.BoolVar(&o.ArtifactTypeEntities, "artifact-type-entities", false, "artifact types come in {\"entities\": [...]}")
	fs.BoolVar(&o.AttachmentArray, "attachment-array", false, "the answer to an upload is an array")
	flags.Int(fs, &o.MaxAttachmentMB, "max-attachment-mb", 1, 30, "how large a file may be")
	fs.Func("blocked-extension", "files of this `EXTENSION`, such as .eml, are refused; may be repeated", func(text string) error {
		if !regexp.MustCompile(`^\.[A-Za-z0-9]+$`).MatchString(text) {
			return errors.New("want an extension such as .eml")
		}
		o.BlockedExtensions = append(o.BlockedExtensions, text)
		return nil
	})
	fs.BoolVar(&o.PutClearsCells, "put-clears-cells", false, "a row's PUT empties the cells that it leaves out")
	fs.BoolVar(&o.EmptyCellsMissing, "empty-cells-missing", false, "a row comes without its empty cells")
	fs.BoolVar(&o.EmptyCellsNull, "empty-cells-null", false, "a row's empty cells have the value null")
	fs.BoolVar(&o.RowVersionChecked, "row-version-checked", false, "409 to a row's PUT that names an old version")
	flags.Int(fs, &o.MaxRows, "max-rows", 0, 1_000_000, "how many rows of one table an incident holds before 400; 0 is no limit")
	flags.Int(fs, &o.MaxCell, "max-cell", 0, 1_000_000, "how many characters a cell holds before 400; 0 is no limit")
	fs.BoolVar(&o.DeleteNoContent, "delete-no-content", false, "204 to a DELETE")
	fs.BoolVar(&o.PatchVersionChecked, "patch-version-checked", false, "409 to a PATCH that names an old version though its old values match")
	fs.BoolVar(&o.PlainTextAsIs, "plain-text-as-is", false, "plain text in a rich field comes back as it was sent, not as HTML")
	fs.BoolVar(&o.CapPages, "cap-pages", false, "give no page longer than 100")
}

// addField is a flag that adds a text field.
func (o *Options) addField(required string) func(string) error {
	return func(name string) error {
		if !regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`).MatchString(name) {
			return errors.New("want lower-case letters, digits and _")
		}
		o.Fields = append(o.Fields, Field{Name: name, Required: required})
		return nil
	}
}
