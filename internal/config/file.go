package config

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// secret fills a secret from the file beside it where there is one; exactly
// one of the two is written. The file's setting is named path + "_file".
func (c checker) secret(path string, secret *Secret, file *string) {
	name := path[strings.LastIndex(path, ".")+1:]
	fromFile := path + "_file"
	switch {
	case c.failed[path], c.failed[fromFile], !c.reached(path):
		return
	case *secret != "" && *file != "":
		c.report(fromFile, name+" is written too", "one of the two")
	case *secret != "":
		return
	case *file == "":
		problem := "is missing"
		if c.written(path) {
			problem = "is empty"
		}
		c.report(path, problem, name+"_file: and the path of a file that holds it")
	default:
		data, ok := c.read(fromFile, file)
		if !ok {
			return
		}
		// An editor ends the file with a line break that is not the secret's.
		text, ended := strings.CutSuffix(string(data), "\n")
		if ended {
			text = strings.TrimSuffix(text, "\r")
		}
		if text == "" {
			c.report(fromFile, "the file "+*file+" is empty", "the secret into it, or the path of another file")
			return
		}
		if problem := secretProblem(text); problem != "" {
			c.report(fromFile, "the file "+*file+" "+problem, "the secret alone into it, as one line in UTF-8, or the path of another file")
			return
		}
		*secret = Secret(text)
	}
}

// reached reports whether the group that holds the setting could be read: a
// list's item of the wrong kind has one mistake, not one a setting.
func (c checker) reached(path string) bool {
	return !c.failed[path[:strings.LastIndex(path, ".")]]
}

// certificates reads a CA file; nil when none is named.
func (c checker) certificates(path string, file *string) []byte {
	if *file == "" || !c.written(path) {
		return nil
	}
	data, ok := c.read(path, file)
	if !ok {
		return nil
	}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			c.report(path, "the file "+*file+" holds no PEM certificate", "the path of a file with -----BEGIN CERTIFICATE-----")
			return nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			c.report(path, fmt.Sprintf("the file %s holds a broken certificate: %v", *file, err), "the path of another file")
			return nil
		}
		return data
	}
}

// read gives the content of a file that a setting names, and makes the name
// absolute. A relative name is a systemd credential if there is one of that
// name, or else a file beside the configuration.
func (c checker) read(path string, file *string) ([]byte, bool) {
	candidates := []string{c.beside(*file)}
	if credentials, ok := c.getenv("CREDENTIALS_DIRECTORY"); ok && !filepath.IsAbs(*file) {
		candidates = []string{filepath.Join(credentials, *file), candidates[0]}
	}
	for i, candidate := range candidates {
		data, err := c.readFile(candidate)
		if errors.Is(err, fs.ErrNotExist) && i < len(candidates)-1 {
			continue
		}
		if err != nil {
			c.report(path, fmt.Sprintf("the file cannot be read: %v", err), "the path of a file that sepwatch may read")
			return nil, false
		}
		*file = candidate
		return data, true
	}
	return nil, false
}

// beside makes a path absolute, from the configuration file's folder.
func (c checker) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.dir, path)
}
