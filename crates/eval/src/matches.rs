//! Which detections are hits at one IoU threshold, by class and image: what every curve over the
//! scores starts from.

use crate::engine::Engine;
use hotcoco::EvalImg;

/// All matches at one IoU threshold, detections on crowds left out.
pub(crate) struct Matches {
    cells: Vec<Cell>,
    num_classes: usize,
}

/// The objects and detections of one class in one image.
pub(crate) struct Cell {
    pub(crate) image_id: u64,
    /// Place of the class in every table.
    pub(crate) class: usize,
    /// Crowds are not among them.
    pub(crate) num_objects: usize,
    /// By falling score.
    pub(crate) detections: Vec<Scored>,
}

/// A detection and whether it found an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scored {
    pub(crate) score: f64,
    pub(crate) hit: bool,
}

/// All detections of a class, or of all classes, by falling score; and how many objects there were.
#[derive(Default)]
pub(crate) struct Ranking {
    pub(crate) detections: Vec<Scored>,
    pub(crate) num_objects: usize,
}

impl Matches {
    /// `row` is that of the IoU threshold in the engine's cells.
    pub(crate) fn new(engine: &Engine, row: usize) -> Self {
        let class_of = |cell: &EvalImg| {
            engine.classes.binary_search_by_key(&cell.category_id, |class| class.category_id).ok()
        };
        let cells = engine.cells().filter_map(|cell| Some(Cell::new(cell, class_of(cell)?, row)));
        Self { cells: cells.collect(), num_classes: engine.classes.len() }
    }

    pub(crate) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// One for each class.
    pub(crate) fn by_class(&self) -> Vec<Ranking> {
        let mut rankings: Vec<Ranking> =
            std::iter::repeat_with(Ranking::default).take(self.num_classes).collect();
        for cell in &self.cells {
            rankings[cell.class].add(cell);
        }
        rankings.iter_mut().for_each(Ranking::sort);
        rankings
    }

    /// All classes together.
    pub(crate) fn pooled(&self) -> Ranking {
        let mut ranking = Ranking::default();
        self.cells.iter().for_each(|cell| ranking.add(cell));
        ranking.sort();
        ranking
    }
}

impl Cell {
    fn new(cell: &EvalImg, class: usize, row: usize) -> Self {
        let (hits, ignored) = (cell.dt_matched.row(row), cell.dt_ignore.row(row));
        let counted =
            cell.dt_scores.iter().zip(hits).zip(ignored).filter(|(_, ignored)| !**ignored);
        Self {
            image_id: cell.image_id,
            class,
            num_objects: cell.num_gt_in_denominator(),
            detections: counted.map(|((&score, &hit), _)| Scored { score, hit }).collect(),
        }
    }
}

impl Ranking {
    fn add(&mut self, cell: &Cell) {
        self.num_objects += cell.num_objects;
        self.detections.extend(&cell.detections);
    }

    fn sort(&mut self) {
        self.detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    }
}
