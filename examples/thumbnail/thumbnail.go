// Thumbnail reads a JPEG photograph from standard input and writes a smaller one to standard output.
//
// The argument is the length of the longer side in pixels (default 128). Each pixel of the small picture is the mean
// of the pixels that it covers.
package main

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"strconv"
)

const (
	sideDefault = 128
	quality     = 85
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "thumbnail:", err)
		os.Exit(1)
	}
}

func run() error {
	side := sideDefault
	if len(os.Args) > 1 {
		var err error
		if side, err = strconv.Atoi(os.Args[1]); err != nil || side < 1 {
			return fmt.Errorf("cannot use %q as a length: write a number of pixels", os.Args[1])
		}
	}
	photograph, err := jpeg.Decode(bufio.NewReader(os.Stdin))
	if err != nil {
		return fmt.Errorf("cannot read the photograph: %w", err)
	}
	output := bufio.NewWriter(os.Stdout)
	if err := jpeg.Encode(output, shrink(photograph, side), &jpeg.Options{Quality: quality}); err != nil {
		return fmt.Errorf("cannot write the thumbnail: %w", err)
	}
	return output.Flush()
}

// shrink returns the photograph with its longer side as given; a small one stays as it is.
func shrink(photograph image.Image, side int) image.Image {
	bounds := photograph.Bounds()
	longer := max(bounds.Dx(), bounds.Dy())
	if longer <= side {
		return photograph
	}
	width := max(1, bounds.Dx()*side/longer)
	height := max(1, bounds.Dy()*side/longer)
	small := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			covered := image.Rect(
				bounds.Min.X+x*bounds.Dx()/width, bounds.Min.Y+y*bounds.Dy()/height,
				bounds.Min.X+(x+1)*bounds.Dx()/width, bounds.Min.Y+(y+1)*bounds.Dy()/height,
			)
			small.SetRGBA(x, y, mean(photograph, covered))
		}
	}
	return small
}

func mean(photograph image.Image, covered image.Rectangle) color.RGBA {
	var red, green, blue, count uint64
	for y := covered.Min.Y; y < covered.Max.Y; y++ {
		for x := covered.Min.X; x < covered.Max.X; x++ {
			r, g, b, _ := photograph.At(x, y).RGBA()
			red, green, blue, count = red+uint64(r), green+uint64(g), blue+uint64(b), count+1
		}
	}
	if count == 0 {
		return color.RGBA{A: 0xff}
	}
	// 16 bits a channel become 8.
	return color.RGBA{uint8(red / count >> 8), uint8(green / count >> 8), uint8(blue / count >> 8), 0xff}
}
