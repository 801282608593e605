//! Where the boxes of a treemap lie: squarified, after Bruls, Huizing and van Wijk (2000).
//!
//! A layout is split in two. [`rows`] decides, for a folder and a shape, which items stand together in a row and along which side:
//! that is what makes boxes nearly square. [`place`] carries that out in a box of any size. The page holds the rows of each
//! folder for three shapes, and its script does no more than `place`, so that a window of any size shows the layout of here.

/// A box's shape, of those that rows are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// About twice as wide as high.
    Wide,
    /// About as wide as high.
    Square,
    /// About twice as high as wide.
    Tall,
}

impl Shape {
    /// All of them, in the order in which the page holds them.
    pub const ALL: [Self; 3] = [Self::Wide, Self::Square, Self::Tall];

    /// A box of this shape.
    pub fn area(self) -> Area {
        let (width, height) = match self {
            Self::Wide => (2.0, 1.0),
            Self::Square => (1.0, 1.0),
            Self::Tall => (1.0, 2.0),
        };
        Area { x: 0.0, y: 0.0, width, height }
    }
}

/// A box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Its left side.
    pub x: f64,
    /// Its upper side.
    pub y: f64,
    /// How wide it is.
    pub width: f64,
    /// How high it is.
    pub height: f64,
}

/// Items that stand side by side along one side of what is left of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// So many stand one below the other along the left side.
    Left(usize),
    /// So many stand one beside the other along the upper side.
    Top(usize),
}

/// The rows of items with these weights, which stand in descending order, in a box of this shape. Items that weigh nothing, at the end,
/// are in no row.
pub fn rows(weights: &[u64], shape: Shape) -> Vec<Row> {
    let weights: Vec<f64> = weights.iter().take_while(|w| **w > 0).map(|w| float(*w)).collect();
    let mut left = shape.area();
    let mut total: f64 = weights.iter().sum();
    let mut out = Vec::new();
    let mut next = 0;
    while next < weights.len() {
        let side = left.width.min(left.height);
        // The row's items in the units of the box: its area stands for all that is left to place.
        let scale = left.width * left.height / total;
        let count = row_of(&weights[next..], side, scale);
        let sum: f64 = weights[next..next + count].iter().sum();
        let row = if left.width >= left.height { Row::Left(count) } else { Row::Top(count) };
        left = rest(left, row, sum / total).1;
        out.push(row);
        total -= sum;
        next += count;
        if total <= 0.0 || left.width <= 0.0 || left.height <= 0.0 {
            break;
        }
    }
    // What rounding left over stands in the last row.
    if let (true, Some(Row::Left(count) | Row::Top(count))) = (next < weights.len(), out.last_mut()) {
        *count += weights.len() - next;
    }
    out
}

/// How many items the next row takes: more, as long as its worst box gets no narrower.
fn row_of(weights: &[f64], side: f64, scale: f64) -> usize {
    let (mut sum, mut best) = (0.0, f64::INFINITY);
    for (at, weight) in weights.iter().enumerate() {
        sum += weight;
        let area = sum * scale;
        // The weights descend: the first box is the widest, this one the narrowest.
        let worst = |weight: f64| {
            let ratio = side * side * weight * scale / (area * area);
            ratio.max(1.0 / ratio)
        };
        let narrowest = worst(weights[0]).max(worst(*weight));
        if at > 0 && narrowest > best {
            return at;
        }
        best = narrowest;
    }
    weights.len()
}

/// Puts items into a box, by their rows.
pub fn place(rows: &[Row], weights: &[u64], area: Area) -> Vec<Area> {
    let mut left = area;
    let mut total: f64 = weights.iter().map(|w| float(*w)).sum();
    let mut out = Vec::new();
    for row in rows {
        let (Row::Left(count) | Row::Top(count)) = *row;
        let items = &weights[out.len()..out.len() + count];
        let sum: f64 = items.iter().map(|w| float(*w)).sum();
        let (strip, after) = rest(left, *row, sum / total);
        let mut before = 0.0;
        for weight in items {
            let (from, share) = (before / sum, float(*weight) / sum);
            out.push(match row {
                Row::Left(_) => {
                    Area { y: strip.y + strip.height * from, height: strip.height * share, ..strip }
                }
                Row::Top(_) => Area { x: strip.x + strip.width * from, width: strip.width * share, ..strip },
            });
            before += float(*weight);
        }
        left = after;
        total -= sum;
    }
    out
}

/// The strip that a row takes of a box, and what is left.
fn rest(area: Area, row: Row, share: f64) -> (Area, Area) {
    match row {
        Row::Left(_) => {
            let width = area.width * share;
            (Area { width, ..area }, Area { x: area.x + width, width: area.width - width, ..area })
        }
        Row::Top(_) => {
            let height = area.height * share;
            (Area { height, ..area }, Area { y: area.y + height, height: area.height - height, ..area })
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a picture of bytes needs no more than 52 bits")]
fn float(weight: u64) -> f64 {
    weight as f64
}

/// Rows as the page holds them: a number each, negative for those along the upper side.
pub fn written(rows: &[Row]) -> String {
    let number = |row: &Row| match row {
        Row::Left(count) => count.to_string(),
        Row::Top(count) => format!("-{count}"),
    };
    rows.iter().map(number).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn laid(weights: &[u64], shape: Shape, area: Area) -> Vec<Area> {
        place(&rows(weights, shape), weights, area)
    }

    fn overlap(a: &Area, b: &Area) -> f64 {
        let along = |a: f64, wa: f64, b: f64, wb: f64| ((a + wa).min(b + wb) - a.max(b)).max(0.0);
        along(a.x, a.width, b.x, b.width) * along(a.y, a.height, b.y, b.height)
    }

    #[test]
    fn the_example_of_the_paper_comes_out_as_there() {
        let weights = [6, 6, 4, 3, 2, 2, 1];
        let area = Area { x: 0.0, y: 0.0, width: 6.0, height: 4.0 };
        // The paper's box is 6 by 4, nearer to a wide one than to a square.
        let rows = rows(&weights, Shape::Wide);
        assert_eq!(rows[0], Row::Left(2), "the two of 6 stand one below the other at the left");
        let boxes = place(&rows, &weights, area);
        assert_eq!((boxes[0].width, boxes[0].height), (3.0, 2.0));
    }

    #[test]
    fn what_weighs_nothing_has_no_box() {
        assert!(laid(&[], Shape::Wide, Shape::Wide.area()).is_empty());
        assert!(laid(&[0, 0], Shape::Wide, Shape::Wide.area()).is_empty());
        assert_eq!(laid(&[5, 0, 0], Shape::Wide, Shape::Wide.area()).len(), 1);
    }

    #[test]
    fn boxes_of_one_size_are_nearly_square() {
        for (count, shape) in [(4, Shape::Square), (9, Shape::Square), (100, Shape::Wide), (50, Shape::Tall)]
        {
            for area in laid(&vec![7; count], shape, shape.area()) {
                let ratio = (area.width / area.height).max(area.height / area.width);
                assert!(ratio < 2.0, "{count} in {shape:?}: {ratio}");
            }
        }
    }

    #[test]
    fn rows_are_written_as_signed_numbers() {
        assert_eq!(written(&[Row::Left(3), Row::Top(12)]), "3,-12");
        assert_eq!(written(&[]), "");
    }

    proptest! {
        #[test]
        fn areas_are_in_proportion_apart_and_inside(
            mut weights in prop::collection::vec(prop_oneof![0u64..3, 1u64..100, 1u64..5_000_000_000], 1..60),
            shape in prop::sample::select(Shape::ALL.to_vec()),
            width in 1.0f64..2000.0,
            height in 1.0f64..2000.0,
        ) {
            weights.sort_unstable_by(|a, b| b.cmp(a));
            let area = Area { x: 3.0, y: 5.0, width, height };
            let boxes = laid(&weights, shape, area);
            let heavy: Vec<u64> = weights.iter().copied().filter(|w| *w > 0).collect();
            prop_assert_eq!(boxes.len(), heavy.len(), "each that weighs something has a box");
            let total: f64 = heavy.iter().map(|w| float(*w)).sum();
            let whole = width * height;
            for (weight, one) in heavy.iter().zip(&boxes) {
                let share = one.width * one.height / whole;
                prop_assert!((share - float(*weight) / total).abs() < 1e-9, "in proportion");
                let slack = 1e-6;
                prop_assert!(one.x >= area.x - slack && one.y >= area.y - slack, "inside");
                prop_assert!(one.x + one.width <= area.x + width + slack, "inside");
                prop_assert!(one.y + one.height <= area.y + height + slack, "inside");
            }
            for (i, a) in boxes.iter().enumerate() {
                for b in &boxes[i + 1..] {
                    prop_assert!(overlap(a, b) <= whole * 1e-9, "no two overlap");
                }
            }
        }
    }
}
