module github.com/sepwatch/sepwatch

go 1.26
